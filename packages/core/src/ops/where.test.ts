import { expect, test } from "vitest";
import { inferShape, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  [
    [3, 4],
    [3, 4],
    [3, 4],
  ],
  [[], [2, 3], []],
  [
    [3, 1],
    [2, 1, 4],
    [3, 4],
  ],
])("where of %j, %j, %j: oracle, lowering and gradients", async (condition, a, b) => {
  await checkOp({ op: "where", inputs: [condition, a, b], bools: [0], differentiable: [1, 2] });
});

test("where picks the first value where the condition holds", () => {
  expect(
    valuesOf("where", [
      [1, 0],
      [3, 4],
      [5, 6],
    ]),
  ).toEqual([3, 6]);
});

test("where: wants a bool and two numbers", () => {
  const shapes = [[2], [2], [2]];
  expect(() => inferShape("where", shapes)).toThrow("condition is float32, must be bool");
  expect(() => inferShape("where", shapes, {}, ["bool", "float32", "bool"])).toThrow("b is bool");
  expect(inferShape("where", [[2, 1], [3], []], {}, ["bool"])).toEqual([2, 3]);
});
