import { expect, test } from "vitest";
import { inferShape, tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  [[4, 5], -1],
  [[4, 5], 0],
  [[2, 3, 4], 1],
])("softmax of %j along %i: oracle, lowerings, gradients", async (shape, axis) => {
  await checkOp({ op: "softmax", attrs: { axis }, inputs: [shape], differentiable: [0] });
});

test("softmax: proportions, and no overflow", async () => {
  const values = valuesOf("softmax", [[0, Math.log(2), Math.log(5)]], { axis: 0 });
  [1 / 8, 2 / 8, 5 / 8].forEach((value, i) => {
    expect(values[i]).toBeCloseTo(value, 12);
  });
  const { outputs } = await checkOp({
    op: "softmax",
    attrs: { axis: -1 },
    inputs: [tensor([1000, 1000, -1000, 0], [1, 4])],
  });
  expect([...outputs[0].data]).toEqual([0.5, 0.5, 0, 0]);
  expect(() => inferShape("softmax", [[2, 3]], { axis: 2 })).toThrow("axis 2 does not exist");
});
