import fc from "fast-check";
import { expect, it } from "vitest";
import { Scoreboard } from "./scores.js";

/** Sorting every row: slow and plain. */
function reference(rows: number[][], labels: number[]) {
  const order = rows.map((row) => row.map((_, c) => c).sort((a, b) => row[b] - row[a] || a - b));
  const within = (k: number) => labels.filter((label, n) => order[n].indexOf(label) < k).length;
  const loss = rows.map((row, n) => -Math.log(Math.exp(row[labels[n]]) / sum(row.map(Math.exp))));
  return {
    predictions: order.map(([first]) => first),
    top1: within(1) / rows.length,
    top5: within(5) / rows.length,
    loss: sum(loss) / rows.length,
  };
}

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

it("agrees with sorting, ties included, however the rows are batched", () => {
  const rows = fc
    .integer({ min: 2, max: 8 })
    .chain((classes) =>
      fc.array(
        fc.tuple(
          fc.array(fc.integer({ min: -3, max: 3 }), { minLength: classes, maxLength: classes }),
          fc.nat(classes - 1),
        ),
        { minLength: 1, maxLength: 12 },
      ),
    );
  fc.assert(
    fc.property(rows, fc.nat(11), (data, cut) => {
      const classes = data[0][0].length;
      const board = new Scoreboard(classes);
      const predictions = [data.slice(0, cut), data.slice(cut)].flatMap((part) => [
        ...board.add(
          Float32Array.from(part.flatMap(([row]) => row)),
          Int32Array.from(part, ([, label]) => label),
        ),
      ]);
      const labels = data.map(([, label]) => label);
      const expected = reference(
        data.map(([row]) => row),
        labels,
      );
      expect(predictions).toEqual(expected.predictions);
      const { images, top1, top5, loss } = board.accuracy();
      expect({ images, top1, top5 }).toEqual({
        ...{ images: data.length, top1: expected.top1, top5: expected.top5 },
      });
      expect(loss).toBeCloseTo(expected.loss, 5);
      const counts = new Array(classes * classes).fill(0);
      labels.forEach((label, n) => {
        counts[label * classes + predictions[n]]++;
      });
      expect([...board.confusion]).toEqual(counts);
    }),
  );
});

it("does not overflow", () => {
  const board = new Scoreboard(2);
  board.add(Float32Array.of(1e4, -1e4), Int32Array.of(1));
  expect(board.accuracy().loss).toBe(2e4);
});
