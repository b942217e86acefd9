import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const plain = { stride: [1, 1], padding: [0, 0], groups: 1 };

test("conv: zero padding and orientation of the kernel, by hand", () => {
  const x = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
  const w = tensor([1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8], [1, 1, 3, 3]);
  const [y] = evaluateOp("conv", [x, w], { ...plain, padding: [1, 1] });
  expect([...y.data]).toEqual([430210000, 43021000, 430210, 43021]);
});

test.each([
  { x: [2, 3, 5, 6], w: [4, 3, 3, 3], padding: [1, 1] },
  { x: [2, 3, 5, 6], w: [4, 3, 3, 2], padding: [0, 1], stride: [2, 1] },
  { x: [1, 4, 7, 6], w: [6, 2, 3, 3], padding: [1, 1], stride: [2, 2], groups: 2 },
  { x: [3, 4, 4, 4], w: [4, 1, 3, 3], padding: [2, 2], groups: 4 },
  { x: [2, 3, 1, 1], w: [2, 3, 3, 3], padding: [1, 1] },
  { x: [2, 5, 3, 3], w: [3, 5, 1, 1], padding: [0, 0], stride: [2, 2] },
  { x: [2, 2, 4, 5], w: [3, 2, 1, 1], padding: [1, 1] },
])("conv of $x with $w: oracle, lowerings, gradients", async ({ x, w, ...attrs }) => {
  await checkOp({
    op: "conv",
    attrs: { ...plain, ...attrs },
    inputs: [x, w],
    differentiable: [0, 1],
  });
});

test("conv: says what does not fit", () => {
  const infer = (x: number[], w: number[], attrs = {}) =>
    inferShape("conv", [x, w], { ...plain, ...attrs });
  expect(() => infer([1, 3, 8, 8], [4, 2, 3, 3])).toThrow(
    "input has 3 channels, the weight wants 2",
  );
  expect(() => infer([1, 4, 8, 8], [3, 2, 3, 3], { groups: 2 })).toThrow(
    "3 output channels do not",
  );
  expect(() => infer([1, 3, 2, 2], [4, 3, 3, 3])).toThrow("kernel 3x3 is larger than the padded");
  expect(() => infer([3, 8, 8], [4, 3, 3, 3])).toThrow("input must be [N, C, H, W]");
});
