import fc from "fast-check";
import { expect, test } from "vitest";
import { anyShape, at, counting, forEachPosition } from "../test-support/arbitrary-shapes.js";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const reductions = ["sum", "mean", "max"];

const cases = reductions.flatMap((op) => [
  { op, attrs: {} },
  { op, attrs: { axes: [0, 2, 3] } },
  { op, attrs: { axes: [0, 2, 3], keepDims: true } },
  { op, attrs: { axes: [2, 3], keepDims: true } },
  { op, attrs: { axes: [-1] } },
  { op, attrs: { axes: [3, 1] } },
]);

test.each(cases)("$op $attrs: oracle, lowering and gradient", async ({ op, attrs }) => {
  await checkOp({ op, attrs, inputs: [[2, 3, 4, 2]], differentiable: [0] });
});

test("reductions of other ranks", async () => {
  for (const op of reductions) {
    await checkOp({ op, attrs: { axes: [0] }, inputs: [[5, 3]], differentiable: [0] });
    await checkOp({ op, attrs: { axes: [0, 2] }, inputs: [[5, 3, 2]], differentiable: [0] });
    await checkOp({ op, attrs: {}, inputs: [[4]], differentiable: [0] });
    await checkOp({ op, attrs: {}, inputs: [[]], differentiable: [0] });
  }
});

test("max: positions that share the maximum share its gradient", async () => {
  const inputs = [tensor([3, 1, 3, 0, 5, 2], [2, 3])];
  const attrs = { axes: [1] };
  const { gradients, gradOutputs } = await checkOp({ op: "max", attrs, inputs, estimated: [0] });
  const [first, second] = gradOutputs[0]!.data;
  const actual = Array.from(gradients[0]!.data, (value) => value + 0); // -0 is 0
  expect(actual).toEqual([first / 2, 0, first / 2, 0, second, 0]);
});

test("reductions agree with a plain walk over all positions", () => {
  const shapeAndAxes = anyShape(1).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc.subarray([...shape.keys()], { minLength: 1 }),
      keepDims: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(shapeAndAxes, ({ shape, axes, keepDims }) => {
      const x = counting(shape);
      const groups = new Map<string, number[]>();
      forEachPosition(shape, (position) => {
        const left = position.filter((_, axis) => !axes.includes(axis)).join();
        groups.set(left, [...(groups.get(left) ?? []), at(x, position)]);
      });
      const expected = [...groups.values()];
      const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
      const attrs = { axes, keepDims };
      const [sum, mean, max] = reductions.map((op) => evaluateOp(op, [x], attrs)[0]);
      expect([...sum.data]).toEqual(expected.map(total));
      expect([...max.data]).toEqual(expected.map((values) => Math.max(...values)));
      expected.forEach((values, i) => {
        expect(mean.data[i]).toBeCloseTo(total(values) / values.length, 9);
      });
      const kept = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      const left = shape.filter((_, axis) => !axes.includes(axis));
      expect(sum.shape).toEqual(keepDims ? kept : left);
      expect(inferShape("sum", [shape], attrs)).toEqual(sum.shape);
    }),
  );
});

test("reductions: refuse axes that do not exist, repeat or are empty", () => {
  const infer = (axes: number[]) => () => inferShape("sum", [[2, 3]], { axes });
  expect(infer([2])).toThrow("axis 2 does not exist in a value of 2 dimensions");
  expect(infer([1, -1])).toThrow("axes [1,-1] name a dimension twice");
  expect(infer([])).toThrow("axes is empty");
});
