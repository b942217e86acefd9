import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const halve = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };

test("average-pool: padding counts as zeros, by hand", () => {
  const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
  expect([...evaluateOp("average-pool", [x], halve)[0].data]).toEqual([3]);
  const [padded] = evaluateOp("average-pool", [x], { ...halve, padding: [1, 1] });
  expect([...padded.data]).toEqual([0.25, 5 / 4, 11 / 4, 28 / 4]);
});

test.each([
  { x: [2, 3, 4, 6] },
  { x: [2, 3, 5, 7] },
  { x: [1, 2, 6, 9], kernel: [2, 3], stride: [2, 3] },
  { x: [1, 2, 6, 7], kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
  { x: [1, 2, 5, 5], kernel: [3, 2], stride: [1, 1], padding: [1, 0] },
  { x: [2, 2, 4, 4], kernel: [1, 1], stride: [2, 2] },
])("average-pool of $x, kernel $kernel, stride $stride", async ({ x, ...attrs }) => {
  await checkOp({
    op: "average-pool",
    attrs: { ...halve, ...attrs },
    inputs: [x],
    differentiable: [0],
  });
});

test("average-pool: says what does not fit", () => {
  expect(() => inferShape("average-pool", [[1, 1, 1, 4]], halve)).toThrow("window 2x2 is larger");
  expect(() => inferShape("average-pool", [[4, 4]], halve)).toThrow("input must be [N, C, H, W]");
  const wide = { ...halve, padding: [2, 0] };
  expect(() => inferShape("average-pool", [[1, 1, 4, 4]], wide)).toThrow("at most half the kernel");
});
