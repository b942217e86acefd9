import { expect, test } from "vitest";
import { inferShape, tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  [[4, 5], -1],
  [[4, 5], 0],
  [[2, 3, 4], 1],
])("log-softmax of %j along %i: oracle, lowerings, gradients", async (shape, axis) => {
  await checkOp({ op: "log-softmax", attrs: { axis }, inputs: [shape], differentiable: [0] });
});

test("log-softmax: the logarithm of the proportions, also of one too small for float32", async () => {
  const values = valuesOf("log-softmax", [[0, Math.log(2), Math.log(5)]], { axis: 0 });
  [1 / 8, 2 / 8, 5 / 8].forEach((value, i) => {
    expect(values[i]).toBeCloseTo(Math.log(value), 12);
  });
  const { outputs } = await checkOp({
    op: "log-softmax",
    attrs: { axis: -1 },
    inputs: [tensor([1000, -1000, 0], [1, 3])],
  });
  expect([...outputs[0].data]).toEqual([0, -2000, -1000]);
  expect(() => inferShape("log-softmax", [[2, 3]], { axis: -3 })).toThrow("axis -3 does not exist");
});
