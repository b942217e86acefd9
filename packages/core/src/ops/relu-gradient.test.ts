import { expect, test } from "vitest";
import { tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("relu-gradient: oracle and lowerings", async () => {
  expect(
    valuesOf("relu-gradient", [
      [5, 6, 7],
      [-1, 0, 1],
    ]),
  ).toEqual([0, 0, 7]);
  await checkOp({
    op: "relu-gradient",
    inputs: [
      [2, 3, 4],
      [2, 3, 4],
    ],
  });
});

test("relu-gradient: zero, the smallest normal and the largest numbers are on the right side", async () => {
  const x = tensor([0, -0, 2 ** -126, -(2 ** -126), 3e38, -3e38, Infinity, -Infinity]);
  const g = tensor(new Array(8).fill(3));
  const { outputs } = await checkOp({ op: "relu-gradient", inputs: [g, x] });
  expect([...outputs[0].data]).toEqual([0, 0, 3, 0, 3, 0, 3, 0]);
});
