import fc from "fast-check";
import { expect, test } from "vitest";
import { anyShape, counting } from "../test-support/arbitrary-shapes.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  { before: [0, 0, 1, 2], after: [0, 0, 2, 0], value: 0 },
  { before: [1, 0, 0, 1], after: [0, 1, 0, 0], value: -1 },
  { before: [0, 0, 0, 0], after: [0, 0, 0, 0], value: 5 },
])("pad $before $after $value: oracle, lowering and gradient", async (attrs) => {
  await checkOp({ op: "pad", attrs, inputs: [[2, 3, 2, 4]], differentiable: [0] });
});

test("pad adds only the constant, and a slice takes it off again", () => {
  const padding = anyShape().chain((shape) => {
    const places = fc.array(fc.nat(2), { minLength: shape.length, maxLength: shape.length });
    return fc.record({ shape: fc.constant(shape), before: places, after: places });
  });
  fc.assert(
    fc.property(padding, ({ shape, before, after }) => {
      const x = counting(shape);
      const [y] = evaluateOp("pad", [x], { before, after, value: -7 });
      expect(inferShape("pad", [shape], { before, after, value: -7 })).toEqual(y.shape);
      expect(y.data.filter((value) => value === -7).length).toBe(y.data.length - x.data.length);
      const inner = shape.reduce((whole, size, axis) => {
        const window = { axis, start: before[axis], end: before[axis] + size };
        return evaluateOp("slice", [whole], window)[0];
      }, y);
      expect(inner).toEqual(x);
    }),
  );
});

test("pad: refuses negative numbers and a wrong count", () => {
  const infer = (before: number[]) => () => {
    return inferShape("pad", [[2, 3]], { before, after: [0, 0], value: 0 });
  };
  const wanted = "must hold 2 whole numbers of 0 or more, one per dimension of [2,3]";
  expect(infer([1])).toThrow(`before [1] ${wanted}`);
  expect(infer([-1, 0])).toThrow(`before [-1,0] ${wanted}`);
});
