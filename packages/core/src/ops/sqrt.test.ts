import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("sqrt: oracle, lowering and gradient", async () => {
  expect(valuesOf("sqrt", [[4, 0]])).toEqual([2, 0]);
  const domain = { low: 0.1, high: 4 };
  await checkOp({ op: "sqrt", inputs: [[2, 3, 4, 4]], differentiable: [0], domain });
});
