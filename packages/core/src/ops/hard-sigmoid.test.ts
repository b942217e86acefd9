import { expect, test } from "vitest";
import { tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("hard-sigmoid: oracle, lowering and gradient", async () => {
  expect(valuesOf("hard-sigmoid", [[-4, -3, 0, 1.5, 3, 9]])).toEqual([0, 0, 0.5, 0.75, 1, 1]);
  const domain = { low: -5, high: 5, avoid: [-3, 3] };
  await checkOp({ op: "hard-sigmoid", inputs: [[2, 3, 7]], differentiable: [0], domain });
});

test("hard-sigmoid: no gradient at the ends, as PyTorch's relu6", async () => {
  const inputs = [tensor([-3, 3, 0])];
  const { gradients, gradOutputs } = await checkOp({ op: "hard-sigmoid", inputs, estimated: [0] });
  const [low, high, middle] = gradients[0]!.data;
  expect([Math.abs(low), Math.abs(high)]).toEqual([0, 0]);
  expect(middle).toBeCloseTo(gradOutputs[0]!.data[2] / 6, 12);
});
