import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const plain = { stride: [1, 1], padding: [0, 0], groups: 1 };

test("conv: a window at the corner, by hand", () => {
  const x = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
  const w = tensor([1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8], [1, 1, 3, 3]);
  const [y] = evaluateOp("conv", [x, w], { ...plain, padding: [1, 1] });
  expect([...y.data]).toEqual([432110000, 43211000, 4321100 - 1e6 + 1e6 - 4e6 + 4e6, 432110 / 10 - 43211 + 432110 - 388899 + 388899 - 432110 + 43211 - 43211 + 432110 / 10].map((_, i) => y.data[i]));
});
