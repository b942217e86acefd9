import fc from "fast-check";
import { expect, test } from "vitest";
import { anyShape, counting } from "../test-support/arbitrary-shapes.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([[[6, 4]], [[0, -1]], [[-1]], [[1, 0, -1, 2]]])(
  "reshape to %j: oracle, lowering and gradient",
  async (shape) => {
    await checkOp({ op: "reshape", attrs: { shape }, inputs: [[2, 3, 4]], differentiable: [0] });
  },
);

test("reshape: 0 copies, -1 takes the rest", () => {
  expect(inferShape("reshape", [[2, 3, 4]], { shape: [0, -1] })).toEqual([2, 12]);
  expect(inferShape("reshape", [[2, 3, 4]], { shape: [4, 0, 2] })).toEqual([4, 3, 2]);
  expect(inferShape("reshape", [[1, 1]], { shape: [] })).toEqual([]);
});

test("reshape keeps every element in place, there and back", () => {
  fc.assert(
    fc.property(anyShape(), (shape) => {
      const x = counting(shape);
      const [flat] = evaluateOp("reshape", [x], { shape: [-1] });
      const [back] = evaluateOp("reshape", [flat], { shape });
      expect(flat.shape).toEqual([x.data.length]);
      expect(back).toEqual(x);
    }),
  );
});

test("reshape: refuses what does not fit", () => {
  const infer = (shape: number[]) => () => inferShape("reshape", [[2, 3]], { shape });
  expect(infer([4])).toThrow("[2,3] (6 elements) does not reshape to [4]");
  expect(infer([-1, 4])).toThrow("does not reshape");
  expect(infer([-1, -1])).toThrow("does not reshape");
  expect(infer([-2, -3])).toThrow("does not reshape");
  expect(infer([1.5, 4])).toThrow("does not reshape");
  expect(infer([3, 2, 0])).toThrow("0 at place 2 copies a dimension that [2,3] lacks");
});
