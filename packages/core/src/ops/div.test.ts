import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const domain = [
  { low: -2, high: 2 },
  { low: 0.5, high: 2 },
];

test("div: oracle, lowering and gradients, with and without broadcasting", async () => {
  expect(
    valuesOf("div", [
      [6, 1],
      [2, -4],
    ]),
  ).toEqual([3, -0.25]);
  await checkOp({
    op: "div",
    inputs: [
      [2, 3],
      [2, 3],
    ],
    differentiable: [0, 1],
    domain,
  });
  await checkOp({
    op: "div",
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
    differentiable: [0, 1],
    domain,
  });
  await checkOp({
    op: "div",
    inputs: [
      [3, 1],
      [2, 3, 4],
    ],
    differentiable: [0, 1],
    domain,
  });
});
