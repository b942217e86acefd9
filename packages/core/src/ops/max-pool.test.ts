import { expect, test } from "vitest";
import { evaluateOp, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const stem = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };

test("max-pool: padding never wins, by hand", () => {
  const x = tensor([-1, -2, -3, -4, -5, -6, -7, -8, -9], [1, 1, 3, 3]);
  expect([...evaluateOp("max-pool", [x], stem)[0].data]).toEqual([-1, -2, -4, -5]);
});

test.each([
  { x: [2, 3, 8, 6] },
  { x: [2, 3, 7, 5] },
  { x: [2, 2, 4, 6], kernel: [2, 2], padding: [0, 0] },
  { x: [2, 2, 5, 7], kernel: [2, 3], stride: [2, 3], padding: [0, 0] },
  { x: [1, 2, 5, 6], kernel: [3, 3], stride: [1, 1] },
])("max-pool of $x, kernel $kernel, stride $stride", async ({ x, ...attrs }) => {
  await checkOp({ op: "max-pool", attrs: { ...stem, ...attrs }, inputs: [x], differentiable: [0] });
});
