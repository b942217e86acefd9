import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("sigmoid: oracle, lowering and gradient", async () => {
  const domain = { low: -6, high: 6 };
  await checkOp({ op: "sigmoid", inputs: [[2, 3, 4]], differentiable: [0], domain });
});

test("sigmoid: 1/2 at 0, symmetric, finite far out", () => {
  const [middle, low, high, farLow, farHigh] = valuesOf("sigmoid", [[0, -2, 2, -1000, 1000]]);
  expect(middle).toBe(0.5);
  expect(low + high).toBeCloseTo(1, 15);
  expect(high).toBeCloseTo(0.8807970779778823, 15);
  expect([farLow, farHigh]).toEqual([0, 1]);
});
