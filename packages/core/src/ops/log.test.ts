import { expect, test } from "vitest";
import { valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("log: oracle, lowering and gradient", async () => {
  expect(valuesOf("log", [[1, Math.E]])).toEqual([0, 1]);
  const domain = { low: 0.1, high: 4 };
  await checkOp({ op: "log", inputs: [[2, 3, 4, 4]], differentiable: [0], domain });
});
