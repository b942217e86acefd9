import { expect, test } from "vitest";
import { inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

// Against finite differences: batch-norm.test.ts. Here: the lowerings over all sizes of map.
test.each([
  ["training", [4, 3, 3, 3]],
  ["training", [2, 3, 12, 11]],
  ["training", [2, 2, 24, 24]],
  ["inference", [2, 3, 12, 11]],
] as const)("batch-norm-gradient in %s, %j: oracle and lowerings", async (mode, x) => {
  const c = [x[1]];
  const { outputs } = await checkOp({ op: "batch-norm-gradient", inputs: [x, x, c, c, c], mode });
  expect(outputs.map(({ shape }) => shape.length)).toEqual([4, 1, 1]);
});

test("batch-norm-gradient: refuses a gradient of another shape", () => {
  const shapes = [[2, 3, 4, 4], [2, 3, 4, 5], [3], [3], [3]];
  const message = "gradient [2,3,4,4] and input [2,3,4,5] differ in shape";
  expect(() => inferShape("batch-norm-gradient", shapes)).toThrow(message);
});
