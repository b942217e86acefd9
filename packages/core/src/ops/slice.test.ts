import fc from "fast-check";
import { expect, test } from "vitest";
import { anyShape, at, counting, forEachPosition } from "../test-support/arbitrary-shapes.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  { axis: 1, start: 1, end: 3 },
  { axis: 0, start: 0, end: 1 },
  { axis: -1, start: -3, end: -1 },
])("slice $axis $start $end: oracle, lowering and gradient", async (attrs) => {
  await checkOp({ op: "slice", attrs, inputs: [[2, 3, 5]], differentiable: [0] });
});

test("slice takes the places from start to end", () => {
  const window = anyShape(1).chain((shape) =>
    fc.nat(shape.length - 1).chain((axis) =>
      fc.nat(shape[axis] - 1).chain((start) =>
        fc.record({
          shape: fc.constant(shape),
          axis: fc.constant(axis),
          start: fc.constant(start),
          end: fc.integer({ min: start + 1, max: shape[axis] }),
        }),
      ),
    ),
  );
  fc.assert(
    fc.property(window, ({ shape, ...attrs }) => {
      const x = counting(shape);
      const [y] = evaluateOp("slice", [x], attrs);
      expect(y.shape).toEqual(shape.with(attrs.axis, attrs.end - attrs.start));
      expect(inferShape("slice", [shape], attrs)).toEqual(y.shape);
      forEachPosition(y.shape, (position) => {
        const source = position.with(attrs.axis, position[attrs.axis] + attrs.start);
        expect(at(y, position)).toBe(at(x, source));
      });
    }),
  );
});

test("slice: refuses places that do not exist", () => {
  const infer = (start: number, end: number, axis = 1) => {
    return () => inferShape("slice", [[2, 3]], { axis, start, end });
  };
  expect(infer(0, 4)).toThrow("[0, 4) is no part of axis 1 of [2,3]");
  expect(infer(2, 2)).toThrow("[2, 2) is no part");
  expect(infer(-4, 2)).toThrow("[-4, 2) is no part");
  expect(infer(0.5, 2)).toThrow("is no part");
  expect(infer(0, 1, 2)).toThrow("axis 2 does not exist");
});
