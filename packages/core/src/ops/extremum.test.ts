import { expect, test } from "vitest";
import { tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const apart = [
  { low: -2, high: 0 },
  { low: -0.9, high: 1 },
];

test.each(["maximum", "minimum"])("%s: oracle, lowering and gradients", async (op) => {
  await checkOp({
    op,
    inputs: [
      [3, 4],
      [3, 4],
    ],
    differentiable: [0, 1],
    domain: apart,
  });
  await checkOp({
    op,
    inputs: [
      [2, 3, 2],
      [3, 1],
    ],
    differentiable: [0, 1],
    domain: apart,
  });
  await checkOp({ op, inputs: [[], [5]], differentiable: [0, 1], domain: apart });
});

test("maximum takes the larger, minimum the smaller", () => {
  expect(
    valuesOf("maximum", [
      [1, 5, 2],
      [3, 4, 2],
    ]),
  ).toEqual([3, 5, 2]);
  expect(
    valuesOf("minimum", [
      [1, 5, 2],
      [3, 4, 2],
    ]),
  ).toEqual([1, 4, 2]);
});

test.each(["maximum", "minimum"])(
  "%s: at a tie the gradient goes to the first input",
  async (op) => {
    const equal = tensor([1, -2]);
    const { gradients, gradOutputs } = await checkOp({
      op,
      inputs: [equal, equal],
      estimated: [0, 1],
    });
    expect([...gradients[0]!.data]).toEqual([...gradOutputs[0]!.data]);
    expect([...gradients[1]!.data]).toEqual([0, 0]);
  },
);
