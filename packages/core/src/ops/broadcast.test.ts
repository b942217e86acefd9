import fc from "fast-check";
import { expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import {
  anyShape,
  at,
  broadcastable,
  counting,
  forEachPosition,
} from "../test-support/arbitrary-shapes.js";
import { checkOp } from "../test-support/op-check.js";
import { broadcastShapes, mapElements, reduceTo } from "./broadcast.js";

const context = { mode: "inference" as const, array: (n: number) => new Float64Array(n) };

/** Shapes that broadcast together, and the shape that they give or less. */
const together = anyShape().chain((shape) =>
  fc.tuple(broadcastable(shape), broadcastable(shape), fc.constant(shape)),
);

test("broadcastShapes: any two stretch to the shape they come from", () => {
  fc.assert(
    fc.property(together, ([a, b, shape]) => {
      const result = broadcastShapes([a, b]);
      expect(broadcastShapes([b, a])).toEqual(result);
      expect(broadcastShapes([result, shape])).toEqual(shape);
      expect(broadcastShapes([result, a])).toEqual(result);
      expect(broadcastShapes([a])).toEqual(a);
    }),
  );
});

test("broadcastShapes: refuses dimensions that differ and are not 1", () => {
  expect(() => broadcastShapes([[2, 3], [2]])).toThrow("shapes [2,3] and [2] do not broadcast");
  expect(() => broadcastShapes([[2], [3], [1]])).toThrow("do not broadcast");
});

test("mapElements reads each input where a plain walk reads it", () => {
  fc.assert(
    fc.property(together, ([a, b]) => {
      const [x, y] = [counting(a), counting(b)];
      const result = mapElements([x, y], context, (p, q) => p * 1000 + q);
      const read = (source: typeof x, position: readonly number[]) => {
        const aligned = position.slice(position.length - source.shape.length);
        return at(
          source,
          aligned.map((place, axis) => Math.min(place, source.shape[axis] - 1)),
        );
      };
      forEachPosition(result.shape, (position) => {
        expect(at(result, position)).toBe(read(x, position) * 1000 + read(y, position));
      });
    }),
  );
});

test("reduceTo is the adjoint of stretching: <stretch(x), g> = <x, reduceTo(g)>", () => {
  const pair = anyShape().chain((shape) => fc.tuple(fc.constant(shape), broadcastable(shape)));
  fc.assert(
    fc.property(pair, ([shape, from]) => {
      const b = new GraphBuilder("adjoint");
      const x = b.input("x", from);
      const g = b.input("g", shape);
      b.output("stretched", b.op("expand", [x], { shape }));
      b.output("reduced", reduceTo(b, g, from));
      const feeds = { x: counting(from), g: counting(shape) };
      const { stretched, reduced } = evaluate(b.build(), feeds, {}, { precision: 64 }).outputs;
      const dot = (p: ArrayLike<number>, q: ArrayLike<number>) =>
        Array.from(p).reduce((total, value, i) => total + value * q[i], 0);
      expect(reduced.shape).toEqual(from);
      expect(dot(stretched.data, feeds.g.data)).toBe(dot(feeds.x.data, reduced.data));
    }),
  );
});

test("broadcasting in ONNX Runtime agrees, gradients too", async () => {
  await fc.assert(
    fc.asyncProperty(together, async ([a, b]) => {
      await checkOp({ op: "mul", inputs: [a, b], differentiable: [0, 1] });
    }),
    { numRuns: 15 },
  );
});
