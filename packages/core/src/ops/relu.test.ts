import { expect, test } from "vitest";
import { tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("relu: oracle, lowering and gradient", async () => {
  expect(valuesOf("relu", [[-3, 0, 2]])).toEqual([0, 0, 2]);
  const domain = { low: -2, high: 2, avoid: [0] };
  await checkOp({ op: "relu", inputs: [[2, 3, 4]], differentiable: [0], domain });
});

test("relu: no gradient at 0", async () => {
  const { gradients } = await checkOp({ op: "relu", inputs: [tensor([0, -0])], estimated: [0] });
  expect([...gradients[0]!.data]).toEqual([0, 0]);
});
