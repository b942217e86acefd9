import { expect, test } from "vitest";
import { inferShape, tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const attrs = { low: -1.5, high: 1, when: "always" };
const domain = { low: -3, high: 3, avoid: [-1.5, 1] };

test("clamp: oracle, lowering and gradient", async () => {
  expect(valuesOf("clamp", [[-2, -1.5, 0, 1, 2]], attrs)).toEqual([-1.5, -1.5, 0, 1, 1]);
  await checkOp({ op: "clamp", attrs, inputs: [[2, 3, 4]], differentiable: [0], domain });
});

test("clamp: gradient passes at both ends, as PyTorch's clamp", async () => {
  const inputs = [tensor([-1.5, 1, -1.6, 1.1])];
  const { gradients, gradOutputs } = await checkOp({ op: "clamp", attrs, inputs, estimated: [0] });
  const [first, second] = gradOutputs[0]!.data;
  expect([...gradients[0]!.data]).toEqual([first, second, 0, 0]);
});

test("clamp when training: the identity in inference mode", async () => {
  const training = { ...attrs, when: "training" };
  const check = { op: "clamp", attrs: training, inputs: [[3, 4]], differentiable: [0], domain };
  expect(valuesOf("clamp", [[-2, 2]], training, "inference")).toEqual([-2, 2]);
  expect(valuesOf("clamp", [[-2, 2]], training, "training")).toEqual([-1.5, 1]);
  await checkOp({ ...check, mode: "inference" });
  await checkOp({ ...check, mode: "training" });
});

test("clamp: refuses an empty window and an unknown condition", () => {
  const infer = (changed: object) => () => inferShape("clamp", [[2]], { ...attrs, ...changed });
  expect(infer({ low: 2 })).toThrow("low 2 must be at most high 1");
  expect(infer({ high: Number.NaN })).toThrow("at most high NaN");
  expect(infer({ when: "sometimes" })).toThrow('"sometimes" must be "always" or "training"');
});
