import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("mul: oracle, lowering and gradients, with and without broadcasting", async () => {
  expect(
    valuesOf("mul", [
      [5, 1],
      [2, -4],
    ]),
  ).toEqual([10, -4]);
  await checkOp({
    op: "mul",
    inputs: [
      [2, 3],
      [2, 3],
    ],
    differentiable: [0, 1],
  });
  await checkOp({ op: "mul", inputs: [[], [2, 2]], differentiable: [0, 1] });
});

test("mul: a channel gate [N, C, 1, 1] over a map", async () => {
  await checkOp({
    op: "mul",
    inputs: [
      [2, 3, 4, 4],
      [2, 3, 1, 1],
    ],
    differentiable: [0, 1],
  });
});
