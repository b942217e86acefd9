import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([[[2, 3, 4, 5]], [[1, 2, 1, 1]]])("global-average-pool of %j", async (x) => {
  await checkOp({ op: "global-average-pool", inputs: [x], differentiable: [0] });
});

test("global-average-pool: the mean of each map", () => {
  const [y] = evaluateOp("global-average-pool", [
    tensor([1, 2, 3, 4, 10, 20, 30, 40], [1, 2, 2, 2]),
  ]);
  expect([y.shape, [...y.data]]).toEqual([
    [1, 2, 1, 1],
    [2.5, 25],
  ]);
  expect(() => inferShape("global-average-pool", [[2, 3]])).toThrow("input must be [N, C, H, W]");
});
