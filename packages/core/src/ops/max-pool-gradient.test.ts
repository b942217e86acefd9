import { expect, test } from "vitest";
import { inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("max-pool-gradient: of equal maxima the first gets everything, in every lowering", async () => {
  const x = tensor([5, 5, 1, 5, 5, 7, 0, 7, 7], [1, 1, 3, 3]);
  const y = tensor([5, 7, 7, 7], [1, 1, 2, 2]);
  const g = tensor([1, 2, 4, 8], [1, 1, 2, 2]);
  const attrs = { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
  const { outputs } = await checkOp({ op: "max-pool-gradient", attrs, inputs: [g, x, y] });
  expect([...outputs[0].data]).toEqual([1, 0, 0, 0, 0, 2 + 8, 0, 4, 0]);
});

test("max-pool-gradient: refuses maxima of the wrong shape", () => {
  const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
  const infer = (g: number[], y: number[]) => {
    return inferShape("max-pool-gradient", [g, [1, 1, 4, 4], y], attrs);
  };
  expect(() => infer([1, 1, 2, 2], [1, 1, 2, 1])).toThrow("maxima [1,1,2,1] and gradient");
  expect(() => infer([1, 1, 3, 3], [1, 1, 3, 3])).toThrow("gradient must be [1,1,2,2]");
});
