import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const bnext = { scale: "none", estimator: "identity", range: 1.5, threshold: 1e-7, zero: -1 };
const reactnet = { scale: "channel-mean", estimator: "clip", range: 1, threshold: 0, zero: -1 };
const shape = [3, 2, 2, 2];

test("binarize-weight: signs, and signs times the mean magnitude of the channel", () => {
  const w = tensor([1, -2, 0, 3, -4, 5], [2, 3, 1, 1]);
  expect([...evaluateOp("binarize-weight", [w], bnext)[0].data]).toEqual([1, -1, -1, 1, -1, 1]);
  const [scaled] = evaluateOp("binarize-weight", [w], { ...reactnet, zero: 1 });
  expect([...scaled.data]).toEqual([1, -1, 1, 4, -4, 4]);
});

test.each([
  [0.5, [1, -1, 0.5, -0.5]],
  [1e-7, [1, -1, 1, -1]],
  [0.99e-7, [1, -1, 1, -1]],
  [0, [1, -1, 1, -1]],
])("binarize-weight: temperature %d", async (temperature, expected) => {
  const w = tensor([2, -0.6, 0.25, -0.25], [1, 4, 1, 1]);
  const { outputs } = await checkOp({
    op: "binarize-weight",
    attrs: bnext,
    inputs: [w, tensor([temperature], [])],
  });
  expect([...outputs[0].data]).toEqual(expected);
});

test.each([-1, 1])(
  "binarize-weight: cold, %i at zero, tiny weights, in every lowering",
  async (zero) => {
    const values = [0, -0, 1.4e-45, -1.4e-45, 1e-38, -1e-38, 1, -1, 3e38, -3e38];
    const { outputs } = await checkOp({
      op: "binarize-weight",
      attrs: { ...bnext, zero },
      inputs: [tensor(values, [1, 10, 1, 1]), tensor([4e-24], [])],
    });
    expect([...outputs[0].data]).toEqual([zero, zero, 1, -1, 1, -1, 1, -1, 1, -1]);
  },
);

test.each([
  ["bnext, hard", bnext, []],
  ["bnext, soft", bnext, [tensor([0.7], [])]],
  ["bnext, cold", bnext, [tensor([4e-24], [])]],
  ["reactnet", reactnet, []],
  ["scale and temperature", { ...bnext, scale: "channel-mean" }, [tensor([0.7], [1])]],
])(
  "binarize-weight in training, %s: the gradient ignores scale and temperature",
  async (_, attrs, more) => {
    const { inputs, gradients, gradOutputs } = await checkOp({
      op: "binarize-weight",
      attrs,
      inputs: [shape, ...more],
      mode: "training",
      estimated: [0],
    });
    inputs[0].data.forEach((w, i) => {
      const passes = attrs.estimator === "identity" || Math.abs(w) <= 1;
      expect(gradients[0]!.data[i] + 0).toBe(passes ? gradOutputs[0]!.data[i] : 0);
    });
  },
);

test("binarize-weight, magnitude: what clip passes, times the mean magnitude of the channel", async () => {
  const { gradients, gradOutputs } = await checkOp({
    op: "binarize-weight",
    attrs: { ...reactnet, estimator: "magnitude", range: 1.5 },
    inputs: [tensor([1, -2, 0.5, 0.5, -1.5, 1], [2, 3, 1, 1])],
    mode: "training",
    estimated: [0],
  });
  const g = [...gradOutputs[0]!.data];
  const factors = [3.5 / 3, 0, 3.5 / 3, 1, 1, 1];
  gradients[0]!.data.forEach((value, i) => {
    expect(value).toBeCloseTo(g[i] * factors[i], 12);
  });
});

test("binarize-weight, scaled: what flows through the mean magnitude comes on top", async () => {
  const weights = [1, -2, 0.5, 0.5, -1.5, 1];
  const { gradients, gradOutputs } = await checkOp({
    op: "binarize-weight",
    attrs: { ...reactnet, estimator: "scaled", range: 1.5 },
    inputs: [tensor(weights, [2, 3, 1, 1])],
    mode: "training",
    estimated: [0],
  });
  const g = [...gradOutputs[0]!.data];
  const through = [0, 3].map((from) =>
    [0, 1, 2].reduce((sum, i) => sum + (g[from + i] * Math.sign(weights[from + i])) / 3, 0),
  );
  const factors = [3.5 / 3, 0, 3.5 / 3, 1, 1, 1];
  gradients[0]!.data.forEach((value, i) => {
    const shared = Math.sign(weights[i]) * through[i < 3 ? 0 : 1];
    expect(value).toBeCloseTo(g[i] * factors[i] + shared, 12);
  });
});

test("binarize-weight in inference with a temperature: the true gradient", async () => {
  const soft = {
    op: "binarize-weight",
    attrs: bnext,
    inputs: [shape, tensor([0.7], [])],
    differentiable: [0],
    domain: { low: -2, high: 2, avoid: [-0.7, 0.7] },
  };
  await checkOp(soft);
  const cold = { ...soft, inputs: [shape, tensor([1e-8], [])], differentiable: [], estimated: [0] };
  const { gradients } = await checkOp(cold);
  expect([...gradients[0]!.data].every((d) => d === 0)).toBe(true);
});

test("binarize-weight: says what does not fit", () => {
  const infer = (shapes: number[][], attrs = {}) => {
    return inferShape("binarize-weight", shapes, { ...bnext, ...attrs });
  };
  expect(() => infer([[3, 2]])).toThrow("weight must be [O, I, KH, KW], is [3,2]");
  expect(() => infer([shape, [2]])).toThrow("temperature must be a scalar, is [2]");
  expect(() => infer([shape], { zero: 0 })).toThrow("zero 0");
  expect(() => infer([shape], { estimator: "clip", range: -1 })).toThrow("range -1");
  expect(() => infer([shape], { estimator: "approx" })).toThrow('estimator "approx"');
  expect(() => infer([shape], { scale: "max" })).toThrow('scale "max"');
});
