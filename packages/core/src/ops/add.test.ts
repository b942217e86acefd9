import { test } from "vitest";
import { checkOp } from "../test-support/op-check.js";

test("add: oracle, lowering and gradients, with and without broadcasting", async () => {
  await checkOp({
    op: "add",
    inputs: [
      [2, 3],
      [2, 3],
    ],
    differentiable: [0, 1],
  });
  await checkOp({
    op: "add",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    differentiable: [0, 1],
  });
  await checkOp({ op: "add", inputs: [[], [2, 2]], differentiable: [0, 1] });
});
