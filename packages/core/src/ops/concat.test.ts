import fc from "fast-check";
import { expect, test } from "vitest";
import { anyShape, counting } from "../test-support/arbitrary-shapes.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("concat: oracle, lowering and gradients", async () => {
  const maps = [
    [2, 3, 4, 4],
    [2, 1, 4, 4],
    [2, 2, 4, 4],
  ];
  await checkOp({ op: "concat", attrs: { axis: 1 }, inputs: maps, differentiable: [0, 1, 2] });
  const rows = [
    [2, 3],
    [4, 3],
  ];
  await checkOp({ op: "concat", attrs: { axis: 0 }, inputs: rows, differentiable: [0, 1] });
  await checkOp({ op: "concat", attrs: { axis: -1 }, inputs: [[2, 3]], differentiable: [0] });
});

test("concat: slices give the parts back", () => {
  const parts = anyShape(1).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axis: fc.nat(shape.length - 1),
      sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    }),
  );
  fc.assert(
    fc.property(parts, ({ shape, axis, sizes }) => {
      const inputs = sizes.map((size) => counting(shape.with(axis, size)));
      const [y] = evaluateOp("concat", inputs, { axis });
      const shapes = inputs.map((input) => input.shape);
      expect(inferShape("concat", shapes, { axis })).toEqual(y.shape);
      let end = 0;
      for (const [i, size] of sizes.entries()) {
        const start = end;
        end += size;
        expect(evaluateOp("slice", [y], { axis, start, end })[0]).toEqual(inputs[i]);
      }
      expect(y.shape[axis]).toBe(end);
    }),
  );
});

test("concat: refuses parts that do not fit together", () => {
  const infer =
    (shapes: number[][], axis = 1) =>
    () =>
      inferShape("concat", shapes, { axis });
  expect(
    infer([
      [2, 3],
      [3, 3],
    ]),
  ).toThrow("[3,3] and [2,3] differ in more than axis 1");
  expect(
    infer([
      [2, 3],
      [2, 3, 1],
    ]),
  ).toThrow("cannot be joined");
  expect(infer([])).toThrow("needs at least one input");
  expect(infer([[2, 3]], 2)).toThrow("axis 2 does not exist");
});
