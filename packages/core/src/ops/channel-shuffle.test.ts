import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test("channel-shuffle: lowering and gradient", async () => {
  for (const groups of [1, 2, 3, 6]) {
    const inputs = [[2, 6, 3, 2]];
    await checkOp({ op: "channel-shuffle", attrs: { groups }, inputs, differentiable: [0] });
  }
});

test("channel-shuffle deals groups out in turn", () => {
  const x = tensor([1, 2, 3, 4, 5, 6], [1, 6, 1, 1]);
  expect([...evaluateOp("channel-shuffle", [x], { groups: 2 })[0].data]).toEqual([
    1, 4, 2, 5, 3, 6,
  ]);
  expect([...evaluateOp("channel-shuffle", [x], { groups: 3 })[0].data]).toEqual([
    1, 3, 5, 2, 4, 6,
  ]);
});

test("channel-shuffle: says what does not fit", () => {
  expect(() => inferShape("channel-shuffle", [[1, 6, 2, 2]], { groups: 4 })).toThrow(
    "groups 4: must be a whole number that divides 6 channels",
  );
  expect(() => inferShape("channel-shuffle", [[6, 2]], { groups: 2 })).toThrow(
    "x must be [N, C, H, W]",
  );
});
