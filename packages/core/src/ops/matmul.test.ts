import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  [
    [3, 4],
    [4, 2],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [2, 1, 3, 4],
    [5, 4, 2],
  ],
  [
    [3, 4],
    [2, 4, 1],
  ],
])("matmul of %j and %j: oracle, lowerings, gradients", async (a, b) => {
  await checkOp({ op: "matmul", inputs: [a, b], differentiable: [0, 1] });
});

test("matmul: by hand, and what does not fit", () => {
  const a = tensor([1, 2, 3, 4], [2, 2]);
  const b = tensor([5, 6, 7, 8], [2, 2]);
  expect([...evaluateOp("matmul", [a, b])[0].data]).toEqual([19, 22, 43, 50]);
  const infer = (...shapes: number[][]) => inferShape("matmul", shapes);
  expect(() => infer([2, 3], [2, 3])).toThrow("[2,3] has 3 columns, [2,3] has 2 rows");
  expect(() => infer([3], [3, 2])).toThrow("at least two axes");
  expect(() => infer([2, 2, 3], [3, 3, 2])).toThrow("do not broadcast");
});
