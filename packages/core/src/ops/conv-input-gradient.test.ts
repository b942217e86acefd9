import fc from "fast-check";
import { expect, test } from "vitest";
import { drawTensor, randomStream } from "../test-support/draw.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";
import { convCase } from "../test-support/random-conv.js";

test.each([
  { g: [2, 4, 5, 6], w: [4, 3, 3, 3], inputShape: [2, 3, 5, 6], padding: [1, 1] },
  { g: [2, 4, 5, 6], w: [4, 3, 1, 1], inputShape: [2, 3, 5, 6] },
  { g: [2, 5, 3, 2], w: [5, 4, 3, 3], inputShape: [2, 4, 3, 2], padding: [1, 1] },
  { g: [1, 5, 2, 4], w: [5, 4, 2, 3], inputShape: [1, 4, 3, 4], padding: [0, 1] },
  { g: [2, 6, 3, 3], w: [6, 2, 3, 3], inputShape: [2, 4, 5, 5], groups: 2 },
  { g: [2, 4, 4, 3], w: [4, 3, 3, 3], inputShape: [2, 3, 8, 6], padding: [1, 1], stride: [2, 2] },
  { g: [2, 4, 4, 3], w: [4, 3, 3, 3], inputShape: [2, 3, 7, 5], padding: [1, 1], stride: [2, 2] },
  { g: [1, 4, 3, 2], w: [4, 2, 2, 3], inputShape: [1, 4, 8, 6], stride: [3, 2], groups: 2 },
  { g: [2, 3, 6, 7], w: [3, 2, 1, 1], inputShape: [2, 2, 4, 5], padding: [1, 1] },
])("conv-input-gradient of $g, $w to $inputShape", async ({ g, w, ...attrs }) => {
  await checkOp({
    op: "conv-input-gradient",
    attrs: { stride: [1, 1], padding: [0, 0], groups: 1, ...attrs },
    inputs: [g, w],
    differentiable: [0, 1],
  });
});

test("conv-input-gradient is the adjoint of conv: <conv(x, w), g> = <x, dx>", () => {
  const property = fc.property(convCase, fc.integer(), ({ x, w, attrs }, seed) => {
    const random = randomStream(seed);
    const draw = (shape: readonly number[]) => drawTensor(shape, { low: -1, high: 1 }, random);
    const [image, weight] = [draw(x), draw(w)];
    const [y] = evaluateOp("conv", [image, weight], attrs);
    const g = draw(y.shape);
    const [dx] = evaluateOp("conv-input-gradient", [g, weight], { ...attrs, inputShape: x });
    expect(dot(dx.data, image.data)).toBeCloseTo(dot(y.data, g.data), 9);
  });
  fc.assert(property, { numRuns: 100 });
});

test("conv-input-gradient: refuses a gradient of the wrong shape", () => {
  const shapes = [
    [1, 4, 5, 5],
    [4, 3, 3, 3],
  ];
  const attrs = { stride: [1, 1], padding: [1, 1], groups: 1, inputShape: [1, 3, 6, 6] };
  const message = "gradient must be [1,4,6,6], is [1,4,5,5]";
  expect(() => inferShape("conv-input-gradient", shapes, attrs)).toThrow(message);
});

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
