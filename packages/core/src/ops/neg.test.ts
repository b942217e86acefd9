import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("neg: oracle, lowering and gradient", async () => {
  expect(valuesOf("neg", [[-1, 2]])).toEqual([1, -2]);
  const domain = { low: -2, high: 2 };
  await checkOp({ op: "neg", inputs: [[2, 3, 4, 4]], differentiable: [0], domain });
});
