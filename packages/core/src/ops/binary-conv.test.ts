import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";
import { randomSigns } from "../test-support/random-signs.js";

const plain = { stride: [1, 1], padding: [1, 1], groups: 1, padValue: 0 };

test.each([
  [0, 4],
  [1, 9],
  [-1, -1],
])(
  "binary-conv: padding with %i, a 2x2 image of ones under a 3x3 kernel of ones",
  (padValue, sum) => {
    const x = tensor([1, 1, 1, 1], [1, 1, 2, 2]);
    const w = tensor(new Array(9).fill(1), [1, 1, 3, 3]);
    const [y] = evaluateOp("binary-conv", [x, w], { ...plain, padValue });
    expect([...y.data]).toEqual([sum, sum, sum, sum]);
  },
);

test.each([
  { x: [2, 5, 4, 6], w: [3, 5, 3, 3] },
  { x: [2, 5, 4, 6], w: [3, 5, 3, 3], padValue: 1 },
  { x: [2, 6, 7, 5], w: [4, 3, 3, 3], padValue: -1, stride: [2, 2], groups: 2 },
  { x: [1, 4, 1, 1], w: [2, 4, 3, 3], padValue: 1 },
  { x: [2, 4, 3, 3], w: [2, 4, 1, 1], padding: [0, 0], padValue: -1 },
  { x: [2, 2, 4, 4], w: [3, 2, 3, 5], padding: [0, 2], padValue: 1 },
])("binary-conv of $x with $w, padValue $padValue", async ({ x, w, ...attrs }) => {
  const { outputs } = await checkOp({
    op: "binary-conv",
    attrs: { ...plain, ...attrs },
    inputs: [randomSigns(x, 1), randomSigns(w, 2)],
    differentiable: [0, 1],
  });
  expect([...outputs[0].data].every(Number.isInteger)).toBe(true);
});

test("binary-conv: refuses another pad value", () => {
  const shapes = [
    [1, 2, 4, 4],
    [2, 2, 3, 3],
  ];
  expect(() => inferShape("binary-conv", shapes, { ...plain, padValue: 2 })).toThrow("padValue 2");
});
