import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  [
    [2, 3, 4, 4],
    [1, 3, 1, 1],
  ],
  [[2, 3, 4, 4], [3]],
  [[4, 3], [3]],
  [
    [4, 3],
    [1, 3],
  ],
  [[2, 3, 5], [3]],
])("bias of %j by %j: oracle, lowering and gradients", async (x, b) => {
  await checkOp({ op: "bias", inputs: [x, b], differentiable: [0, 1] });
});

test("bias adds along the channel, also where height and width equal the channel count", () => {
  const x = tensor(new Array(8).fill(0), [1, 2, 2, 2]);
  const [y] = evaluateOp("bias", [x, tensor([1, 2])]);
  expect([...y.data]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
});

test("bias: refuses anything but one value per channel", () => {
  const wanted = "bias must be [3] or [1,3,1,1], is [4]";
  expect(() => inferShape("bias", [[2, 3, 4, 4], [4]])).toThrow(wanted);
  expect(() => inferShape("bias", [[2, 3, 4, 4], [1]])).toThrow("is [1]");
  expect(() => inferShape("bias", [[3], [3]])).toThrow("input must be [N, C, ...], is [3]");
});
