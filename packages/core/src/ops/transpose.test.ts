import fc from "fast-check";
import { expect, test } from "vitest";
import { anyShape, at, counting, forEachPosition } from "../test-support/arbitrary-shapes.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([[[1, 0, 2]], [[2, 0, 1]], [[1, 2, 0]]])(
  "transpose by %j: oracle, lowering and gradient",
  async (perm) => {
    await checkOp({ op: "transpose", attrs: { perm }, inputs: [[2, 3, 4]], differentiable: [0] });
  },
);

test("transpose moves every element where the permutation says", () => {
  const shapeAndPerm = anyShape().chain((shape) => {
    const axes = [...shape.keys()];
    const perm = fc.shuffledSubarray(axes, { minLength: axes.length });
    return fc.record({ shape: fc.constant(shape), perm });
  });
  fc.assert(
    fc.property(shapeAndPerm, ({ shape, perm }) => {
      const x = counting(shape);
      const [y] = evaluateOp("transpose", [x], { perm });
      expect(inferShape("transpose", [shape], { perm })).toEqual(y.shape);
      forEachPosition(y.shape, (position) => {
        const source = new Array<number>(shape.length);
        perm.forEach((axis, i) => {
          source[axis] = position[i];
        });
        expect(at(y, position)).toBe(at(x, source));
      });
    }),
  );
});

test("transpose: refuses what is no permutation", () => {
  const infer = (perm: number[]) => () => inferShape("transpose", [[2, 3]], { perm });
  expect(infer([0])).toThrow("perm [0] must name every dimension of [2,3] once");
  expect(infer([1, 1])).toThrow("must name every dimension");
  expect(infer([1, 2])).toThrow("must name every dimension");
});
