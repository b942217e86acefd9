import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("global-average-pool-gradient: an equal share for every position", async () => {
  const attrs = { inputShape: [1, 2, 2, 2] };
  const [dx] = evaluateOp("global-average-pool-gradient", [tensor([4, 8], [1, 2, 1, 1])], attrs);
  expect([...dx.data]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  await checkOp({
    op: "global-average-pool-gradient",
    attrs: { inputShape: [2, 3, 4, 5] },
    inputs: [[2, 3, 1, 1]],
    differentiable: [0],
  });
});

test("global-average-pool-gradient: refuses a gradient of the wrong shape", () => {
  const attrs = { inputShape: [2, 3, 4, 5] };
  const infer = () => inferShape("global-average-pool-gradient", [[2, 3]], attrs);
  expect(infer).toThrow("gradient must be [2,3,1,1], is [2,3]");
});
