import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("average-pool-gradient: every window gets an equal share, by hand", () => {
  const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], inputShape: [1, 1, 3, 4] };
  const [dx] = evaluateOp("average-pool-gradient", [tensor([4, 8], [1, 1, 1, 2])], attrs);
  expect([...dx.data]).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 0, 0, 0, 0]);
});

test.each([
  { g: [2, 3, 2, 3], inputShape: [2, 3, 4, 6] },
  { g: [2, 3, 2, 3], inputShape: [2, 3, 5, 7] },
  { g: [1, 2, 3, 4], inputShape: [1, 2, 6, 7], kernel: [3, 3], padding: [1, 1] },
])("average-pool-gradient of $g to $inputShape", async ({ g, ...given }) => {
  const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], ...given };
  await checkOp({ op: "average-pool-gradient", attrs, inputs: [g], differentiable: [0] });
});

test("average-pool-gradient: refuses a gradient of the wrong shape", () => {
  const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], inputShape: [1, 1, 4, 4] };
  const message = "gradient must be [1,1,2,2], is [1,1,3,2]";
  expect(() => inferShape("average-pool-gradient", [[1, 1, 3, 2]], attrs)).toThrow(message);
});
