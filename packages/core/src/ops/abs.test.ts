import { expect, test } from "vitest";
import { tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("abs: oracle, lowering and gradient", async () => {
  expect(valuesOf("abs", [[-3, 0, 2]])).toEqual([3, 0, 2]);
  const domain = { low: -2, high: 2, avoid: [0] };
  await checkOp({ op: "abs", inputs: [[2, 3, 4]], differentiable: [0], domain });
});

test("abs: no gradient at 0", async () => {
  const { gradients, gradOutputs } = await checkOp({
    op: "abs",
    inputs: [tensor([-1, 0, 1])],
    estimated: [0],
  });
  const [g] = gradOutputs;
  expect([...gradients[0]!.data]).toEqual([-g!.data[0], 0, g!.data[2]]);
});
