import { expect, test } from "vitest";
import type { Shape } from "../graph/types.js";
import { drawTensor, randomStream } from "../test-support/draw.js";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const attrs = { epsilon: 1e-5, momentum: 0.1 };
const around0 = { low: -2, high: 2 };
const positive = { low: 0.5, high: 2 };
const domain = [around0, around0, around0, around0, positive];

/** x and the vectors of a batch-norm over [N, C, H, W]. */
function inputs(x: Shape): Shape[] {
  return [x, ...new Array(4).fill([x[1]])];
}

test.each([
  ["small maps", [3, 4, 5, 3]],
  ["one pixel", [6, 3, 1, 1]],
  ["one image", [1, 2, 4, 4]],
  ["large maps", [2, 3, 24, 22]],
])("batch-norm in training, %s: oracle, lowerings, gradients", async (_, x) => {
  await checkOp({
    op: "batch-norm",
    attrs,
    inputs: inputs(x),
    mode: "training",
    differentiable: [0, 1, 2],
    domain,
  });
});

test("batch-norm in inference: oracle, lowerings, gradients", async () => {
  await checkOp({
    op: "batch-norm",
    attrs,
    inputs: inputs([2, 4, 5, 3]),
    differentiable: [0, 1, 2],
    domain,
  });
});

test("frozen batch-norm in training: oracle, lowerings, gradients", async () => {
  await checkOp({
    ...{ op: "batch-norm", attrs: { ...attrs, frozen: true }, inputs: inputs([2, 4, 5, 3]) },
    ...{ mode: "training", differentiable: [0, 1, 2], domain },
  });
});

test("frozen batch-norm in training is batch-norm in inference", () => {
  const random = randomStream(1);
  const given = inputs([2, 4, 5, 3]).map((shape, i) => drawTensor(shape, domain[i], random));
  const frozen = evaluateOp("batch-norm", given, { ...attrs, frozen: true }, "training");
  expect(frozen).toEqual(evaluateOp("batch-norm", given, attrs, "inference"));
});

test("batch-norm in training: statistics by hand, unbiased in the running variance", () => {
  const x = tensor([1, 3, 5, 7, 10, 10, 10, 10], [1, 2, 2, 2]);
  const vectors = [tensor([2, 1]), tensor([0.5, 7]), tensor([1, 1]), tensor([3, 3])];
  const outputs = evaluateOp(
    "batch-norm",
    [x, ...vectors],
    { epsilon: 1, momentum: 0.1 },
    "training",
  );
  const [y, mean, variance, batchMean, inverseStd] = outputs.map(({ data }) => [...data]);
  const s = 1 / Math.sqrt(5 + 1);
  const expected = [-3, -1, 1, 3].map((d) => d * s * 2 + 0.5);
  [...expected, 7, 7, 7, 7].forEach((value, i) => {
    expect(y[i]).toBeCloseTo(value, 12);
  });
  expect(batchMean).toEqual([4, 10]);
  expect(inverseStd).toEqual([s, 1]);
  [0.9 + 0.4, 0.9 + 1].forEach((value, i) => {
    expect(mean[i]).toBeCloseTo(value, 12);
  });
  [0.9 * 3 + (0.1 * 5 * 4) / 3, 0.9 * 3].forEach((value, i) => {
    expect(variance[i]).toBeCloseTo(value, 12);
  });
});

test("batch-norm in inference: uses the running statistics and leaves them", () => {
  const x = tensor([1, 5], [1, 1, 1, 2]);
  const vectors = [tensor([2]), tensor([0.5]), tensor([3]), tensor([15])];
  const outputs = evaluateOp("batch-norm", [x, ...vectors], { epsilon: 1, momentum: 0.1 });
  expect(outputs.map(({ data }) => [...data])).toEqual([[-0.5, 1.5], [3], [15], [3], [0.25]]);
});

test.each([
  ["small maps", [16, 2, 4, 4]],
  ["large maps", [4, 2, 32, 32]],
])(
  "batch-norm in training, %s: a mean of 10 standard deviations costs little",
  async (_, shape) => {
    const x = drawTensor(
      shape,
      { low: 10 - Math.sqrt(3), high: 10 + Math.sqrt(3) },
      randomStream(5),
    );
    await checkOp({
      op: "batch-norm",
      attrs,
      inputs: [x, ...inputs(shape).slice(1)],
      mode: "training",
      estimated: [0, 1, 2],
      domain,
      tolerance: 1e-4,
    });
  },
);

test("batch-norm in training: a constant channel gives its bias, whatever the constant", async () => {
  for (const shape of [
    [2, 1, 3, 3],
    [2, 1, 24, 24],
  ]) {
    const x = { shape, data: new Float64Array(shape.reduce((a, b) => a * b)).fill(0.25) };
    const vectors = [tensor([1]), tensor([0.5]), tensor([0]), tensor([1])];
    const { outputs } = await checkOp({
      op: "batch-norm",
      attrs,
      inputs: [x, ...vectors],
      mode: "training",
      outputs: [0, 1, 2, 3],
      // 1 / sqrt(epsilon) = 316 times the rounding of the mean
      tolerance: 1e-3,
    });
    expect(Math.max(...outputs[0].data.map((y) => Math.abs(y - 0.5)))).toBeLessThan(1e-3);
  }
});

test("batch-norm: says what does not fit", () => {
  const shapes = inputs([2, 4, 3, 3]);
  shapes[3] = [5];
  expect(() => inferShape("batch-norm", shapes, attrs)).toThrow(
    "[4] wanted for 4 channels, is [5]",
  );
  const flat = [[2, 4], ...inputs([2, 4, 3, 3]).slice(1)];
  expect(() => inferShape("batch-norm", flat, attrs)).toThrow("input must be [N, C, H, W]");
});
