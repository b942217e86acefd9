import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("exp: oracle, lowering and gradient", async () => {
  expect(valuesOf("exp", [[0, 1]])).toEqual([1, Math.E]);
  const domain = { low: -2, high: 2 };
  await checkOp({ op: "exp", inputs: [[2, 3, 4, 4]], differentiable: [0], domain });
});
