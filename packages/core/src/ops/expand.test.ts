import fc from "fast-check";
import { expect, test } from "vitest";
import {
  anyShape,
  at,
  broadcastable,
  counting,
  forEachPosition,
} from "../test-support/arbitrary-shapes.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([[[2, 3, 1, 1]], [[1, 3, 1, 5]], [[]], [[3, 4, 5]], [[2, 3, 4, 5]]])(
  "expand of %j: oracle, lowering and gradient",
  async (from) => {
    const attrs = { shape: [2, 3, 4, 5] };
    await checkOp({ op: "expand", attrs, inputs: [from], differentiable: [0] });
  },
);

test("expand repeats along stretched dimensions", () => {
  const pair = anyShape().chain((shape) =>
    fc.record({ shape: fc.constant(shape), from: broadcastable(shape) }),
  );
  fc.assert(
    fc.property(pair, ({ shape, from }) => {
      const x = counting(from);
      const [y] = evaluateOp("expand", [x], { shape });
      expect(y.shape).toEqual(shape);
      forEachPosition(shape, (position) => {
        const aligned = position.slice(shape.length - from.length);
        const source = aligned.map((place, axis) => (from[axis] === 1 ? 0 : place));
        expect(at(y, position)).toBe(at(x, source));
      });
    }),
  );
});

test("expand: refuses what does not stretch", () => {
  const infer = (from: number[], shape: number[]) => () => inferShape("expand", [from], { shape });
  expect(infer([2], [3])).toThrow("[2] does not stretch to [3]");
  expect(infer([2, 3], [1, 3])).toThrow("[2,3] does not stretch to [1,3]");
  expect(infer([1, 3], [3])).toThrow("[1,3] does not stretch to [3]");
});
