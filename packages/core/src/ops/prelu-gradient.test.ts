import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([[[2, 3, 4, 5]], [[1, 3, 1, 1]], [[5, 3]], [[2, 3, 7]]])(
  "prelu-gradient of %j: oracle and lowerings",
  async (shape) => {
    await checkOp({ op: "prelu-gradient", inputs: [shape, shape, [3]] });
  },
);

test("prelu-gradient: an example by hand", () => {
  const g = tensor([1, 2, 3, 4, 5, 6], [1, 2, 3]);
  const x = tensor([-2, 0, 2, 1, -1, -3], [1, 2, 3]);
  const [dx, dslope] = evaluateOp("prelu-gradient", [g, x, tensor([0.5, -1])]);
  expect([...dx.data]).toEqual([0.5, 1, 3, 4, -5, -6]);
  expect([...dslope.data]).toEqual([-2, -5 - 18]);
});

test("prelu-gradient: refuses a slope that is not per channel", () => {
  const shapes = [[2, 3, 4], [2, 3, 4], [4]];
  expect(() => inferShape("prelu-gradient", shapes)).toThrow("slope must be [3]");
});
