import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("sub: oracle, lowering and gradients, with and without broadcasting", async () => {
  expect(
    valuesOf("sub", [
      [5, 1],
      [2, 4],
    ]),
  ).toEqual([3, -3]);
  await checkOp({
    op: "sub",
    inputs: [
      [2, 3],
      [2, 3],
    ],
    differentiable: [0, 1],
  });
  await checkOp({
    op: "sub",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    differentiable: [0, 1],
  });
  await checkOp({ op: "sub", inputs: [[], [2, 2]], differentiable: [0, 1] });
});
