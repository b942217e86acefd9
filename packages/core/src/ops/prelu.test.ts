import { expect, test } from "vitest";
import { checkOp } from "../test-support/op-check.js";

const awayFromZero = { low: -2, high: 2, avoid: [0] };

test.each([[[2, 3, 4, 5]], [[4, 3]], [[1, 3, 1, 1]], [[2, 3, 7]]])("prelu of %s", async (shape) => {
  await checkOp({
    op: "prelu",
    inputs: [shape, [3]],
    differentiable: [0, 1],
    domain: awayFromZero,
  });
});
