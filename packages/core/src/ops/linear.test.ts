import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("linear: oracle, lowerings and gradients, with and without bias", async () => {
  const [x, w] = [
    [3, 5],
    [4, 5],
  ];
  await checkOp({ op: "linear", inputs: [x, w, [4]], differentiable: [0, 1, 2] });
  await checkOp({ op: "linear", inputs: [x, w], differentiable: [0, 1] });
});

test("linear: y = x w^T + b, by hand", () => {
  const x = tensor([1, 10], [1, 2]);
  const w = tensor([1, 2, 3, 4, 5, 6], [3, 2]);
  expect([...evaluateOp("linear", [x, w, tensor([100, 200, 300])])[0].data]).toEqual([
    121, 243, 365,
  ]);
});

test("linear: says what does not fit", () => {
  const infer = (...shapes: number[][]) => inferShape("linear", shapes);
  expect(() => infer([2, 3], [4, 5])).toThrow("input has 3 features, the weight wants 5");
  expect(() => infer([2, 3, 1, 1], [4, 3])).toThrow("input must be [N, F], is [2,3,1,1]");
  expect(() => infer([2, 3], [4, 3], [3])).toThrow("bias must be [4], is [3]");
});
