import { describe, expect, it } from "vitest";
import { adamDefaults, momentNames, type OptimiserConfig } from "./config.js";
import { groupOf } from "./groups.js";
import { clipFactor, globalNorm, type OptimiserState, update } from "./update.js";

function stateOf(config: OptimiserConfig, weights: number[]): OptimiserState {
  const moments = momentNames(config).map((name) => [name, new Float32Array(weights.length)]);
  return { values: Float32Array.from(weights), moments: Object.fromEntries(moments), step: 0 };
}

function run(config: OptimiserConfig, weight: number, gradients: number[], learningRate = 0.1) {
  const state = stateOf(config, [weight]);
  const groups = [
    { name: "all", weightDecay: config.weightDecay, learningRateScale: 1, start: 0, end: 1 },
  ];
  const scalars = { learningRate, gradientScale: 1, clip: null, averageDecay: null };
  return gradients.map((gradient) => {
    update(state, Float32Array.of(gradient), groups, config, scalars);
    return state.values[0];
  });
}

/** Worked by hand from the formulas in PyTorch's documentation. */
describe("optimisers against hand-worked steps", () => {
  it("SGD with momentum", () => {
    const config = { ...adamDefaults, kind: "sgd", momentum: 0.9 } as const;
    // buffers 1, 0.9 + 0.5 = 1.4, 1.26 - 1 = 0.26
    const expected = [0.9, 0.76, 0.734];
    run(config, 1, [1, 0.5, -1]).forEach((w, i) => {
      expect(w).toBeCloseTo(expected[i], 6);
    });
  });

  it("SGD with Nesterov momentum", () => {
    const config = { ...adamDefaults, kind: "sgd", momentum: 0.9, nesterov: true } as const;
    // 1 + 0.9, then 0.5 + 0.9 * 1.4
    const expected = [1 - 0.19, 1 - 0.19 - 0.176];
    run(config, 1, [1, 0.5]).forEach((w, i) => {
      expect(w).toBeCloseTo(expected[i], 6);
    });
  });

  it("SGD with weight decay and no momentum keeps no buffer", () => {
    const config = { ...adamDefaults, kind: "sgd", momentum: 0, weightDecay: 0.5 } as const;
    expect(momentNames(config)).toEqual([]);
    expect(run(config, 2, [1])[0]).toBeCloseTo(2 - 0.1 * (1 + 1), 6);
  });

  it("Adam: the first step is the learning rate against the gradient's sign", () => {
    expect(run(adamDefaults, 1, [1e-3])[0]).toBeCloseTo(0.9, 5);
    expect(run(adamDefaults, 1, [-70])[0]).toBeCloseTo(1.1, 6);
  });

  it("Adam: second step", () => {
    const [, w] = run(adamDefaults, 0, [1, 3]);
    const m = (0.9 * 0.1 + 0.1 * 3) / (1 - 0.81);
    const v = (0.999 * 0.001 + 0.001 * 9) / (1 - 0.998001);
    expect(w).toBeCloseTo(-0.1 - (0.1 * m) / (Math.sqrt(v) + 1e-8), 6);
  });

  it("Adam adds the decay to the gradient, AdamW to the weight", () => {
    const weightDecay = 0.5;
    // With a zero gradient Adam sees 0.5 w, whose sign alone counts; AdamW only shrinks w.
    expect(run({ ...adamDefaults, weightDecay }, 2, [0])[0]).toBeCloseTo(1.9, 6);
    expect(run({ ...adamDefaults, kind: "adamw", weightDecay }, 2, [0])[0]).toBeCloseTo(1.9, 6);
    expect(run({ ...adamDefaults, weightDecay }, 4, [0])[0]).toBeCloseTo(3.9, 6);
    expect(run({ ...adamDefaults, kind: "adamw", weightDecay }, 4, [0])[0]).toBeCloseTo(3.8, 6);
  });
});

describe("update", () => {
  const config: OptimiserConfig = { ...adamDefaults, kind: "sgd", momentum: 0 };
  const groups = [
    { name: "a", weightDecay: 1, learningRateScale: 1, start: 0, end: 1 },
    { name: "b", weightDecay: 0, learningRateScale: 0.5, start: 1, end: 2 },
  ];
  const scalars = { learningRate: 1, gradientScale: 1, clip: null, averageDecay: null };

  it("clips by the norm over all groups and returns the norm before", () => {
    const state = stateOf(config, [0, 0]);
    const norm = update(state, Float32Array.of(3, 4), groups, config, { ...scalars, clip: 1 });
    expect(norm).toBe(5);
    expect(state.values[0]).toBeCloseTo(-0.6, 5);
    expect(state.values[1]).toBeCloseTo(-0.4, 5);
  });

  it("scales accumulated gradients before clipping", () => {
    const state = stateOf(config, [0, 0]);
    const scaled = { ...scalars, clip: 5, gradientScale: 0.5 };
    expect(update(state, Float32Array.of(6, 8), groups, config, scaled)).toBe(5);
    expect(state.values[0]).toBeCloseTo(-3, 4);
  });

  it("gives every group its own decay and rate", () => {
    const state = stateOf(config, [2, 2]);
    update(state, Float32Array.of(0, 1), groups, config, scalars);
    expect([...state.values]).toEqual([0, 1.5]);
  });

  it("leaves everything alone where the gradient is not finite", () => {
    const state = stateOf(config, [1, 2]);
    expect(update(state, Float32Array.of(NaN, 1), groups, config, scalars)).toBeNaN();
    expect([...state.values]).toEqual([1, 2]);
    expect(state.step).toBe(0);
  });

  it("moves the running average after the step", () => {
    const state = { ...stateOf(config, [0, 0]), average: Float32Array.of(0, 0, 7) };
    update(state, Float32Array.of(-1, -2), groups, config, { ...scalars, averageDecay: 0.75 });
    expect([...state.average]).toEqual([0.25, 0.25, 7]);
  });

  it("norm and clip factor", () => {
    expect(globalNorm(Float32Array.of(1, -2, 2))).toBe(3);
    expect(clipFactor(4, null)).toBe(1);
    expect(clipFactor(0.1, 5)).toBe(1);
    expect(clipFactor(10, 5)).toBeCloseTo(0.5, 6);
  });
});

describe("parameter groups", () => {
  const spec = (shape: number[], role = "other") =>
    ({ shape, kind: "parameter", role, init: { kind: "constant", value: 0 } }) as const;

  it("takes the first rule that fits, by rank, name or role", () => {
    const config: OptimiserConfig = {
      ...adamDefaults,
      groups: [
        { name: "norm", role: "norm", weightDecay: 0 },
        { name: "filters", rank: 4, nameIncludes: "binary_conv", weightDecay: 1e-8 },
      ],
    };
    expect(groupOf("a.weight", spec([8, 8, 3, 3]) as never, config)).toBe(1);
    expect(groupOf("a.move.bias", spec([1, 8, 1, 1]) as never, config)).toBe(1);
    expect(groupOf("a.binary_conv.weights", spec([64, 1]) as never, config)).toBe(1);
    expect(groupOf("a.bn.weight", spec([8], "norm") as never, config)).toBe(0);
    expect(groupOf("fc.weight", spec([10, 8]) as never, config)).toBe(2);
  });
});
