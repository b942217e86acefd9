import { describe, expect, it } from "vitest";
import { adamDefaults, type GroupRule, type OptimiserConfig } from "./config.js";
import { groupOf, type ParameterGroup } from "./groups.js";
import { momentNames, optimisersOf } from "./optimisers-of.js";
import { clipFactor, globalNorm, type OptimiserState, update } from "./update.js";

const all: ParameterGroup = {
  ...{ name: "all", kind: "adam", weightDecay: 0, learningRateScale: 1, start: 0, end: 1 },
};

async function stateOf(config: OptimiserConfig, weights: number[]) {
  const optimising = await optimisersOf(config);
  const names = momentNames(optimising);
  const moments = names.map((name) => [name, new Float32Array(weights.length)]);
  const state: OptimiserState = {
    ...{ values: Float32Array.from(weights), moments: Object.fromEntries(moments), step: 0 },
  };
  return { optimising, state };
}

async function run(
  config: OptimiserConfig,
  weight: number,
  gradients: number[],
  learningRate = 0.1,
) {
  const { optimising, state } = await stateOf(config, [weight]);
  const groups = [{ ...all, kind: config.kind, weightDecay: config.weightDecay }];
  const scalars = { learningRate, gradientScale: 1, clip: null, averageDecay: null };
  return gradients.map((gradient) => {
    update(state, Float32Array.of(gradient), groups, optimising, scalars);
    return state.values[0];
  });
}

/** Worked by hand from the formulas in PyTorch's documentation. */
describe("optimisers against hand-worked steps", () => {
  it("SGD with momentum", async () => {
    const config = { ...adamDefaults, kind: "sgd", momentum: 0.9 } as const;
    // buffers 1, 0.9 + 0.5 = 1.4, 1.26 - 1 = 0.26
    const expected = [0.9, 0.76, 0.734];
    (await run(config, 1, [1, 0.5, -1])).forEach((w, i) => {
      expect(w).toBeCloseTo(expected[i], 6);
    });
  });

  it("SGD with Nesterov momentum", async () => {
    const config = { ...adamDefaults, kind: "sgd", momentum: 0.9, nesterov: true } as const;
    // 1 + 0.9, then 0.5 + 0.9 * 1.4
    const expected = [1 - 0.19, 1 - 0.19 - 0.176];
    (await run(config, 1, [1, 0.5])).forEach((w, i) => {
      expect(w).toBeCloseTo(expected[i], 6);
    });
  });

  it("SGD with weight decay and no momentum keeps no buffer", async () => {
    const config = { ...adamDefaults, kind: "sgd", momentum: 0, weightDecay: 0.5 } as const;
    expect(momentNames(await optimisersOf(config))).toEqual([]);
    expect((await run(config, 2, [1]))[0]).toBeCloseTo(2 - 0.1 * (1 + 1), 6);
  });

  it("Adam: the first step is the learning rate against the gradient's sign", async () => {
    expect((await run(adamDefaults, 1, [1e-3]))[0]).toBeCloseTo(0.9, 5);
    expect((await run(adamDefaults, 1, [-70]))[0]).toBeCloseTo(1.1, 6);
  });

  it("Adam: second step", async () => {
    const [, w] = await run(adamDefaults, 0, [1, 3]);
    const m = (0.9 * 0.1 + 0.1 * 3) / (1 - 0.81);
    const v = (0.999 * 0.001 + 0.001 * 9) / (1 - 0.998001);
    expect(w).toBeCloseTo(-0.1 - (0.1 * m) / (Math.sqrt(v) + 1e-8), 6);
  });

  it("Adam adds the decay to the gradient, AdamW to the weight", async () => {
    const weightDecay = 0.5;
    // With a zero gradient Adam sees 0.5 w, whose sign alone counts; AdamW only shrinks w.
    expect((await run({ ...adamDefaults, weightDecay }, 2, [0]))[0]).toBeCloseTo(1.9, 6);
    expect((await run({ ...adamDefaults, kind: "adamw", weightDecay }, 2, [0]))[0]).toBeCloseTo(
      1.9,
      6,
    );
    expect((await run({ ...adamDefaults, weightDecay }, 4, [0]))[0]).toBeCloseTo(3.9, 6);
    expect((await run({ ...adamDefaults, kind: "adamw", weightDecay }, 4, [0]))[0]).toBeCloseTo(
      3.8,
      6,
    );
  });
});

describe("RAdam", () => {
  /** The paper's algorithm 2, a step at a time in its own symbols. */
  function reference(w: number, gradients: number[], lr: number): number[] {
    const [b1, b2] = [0.9, 0.999];
    const infinite = 2 / (1 - b2) - 1;
    let [m, v] = [0, 0];
    return gradients.map((g, i) => {
      const t = i + 1;
      v = b2 * v + (1 - b2) * g ** 2;
      m = b1 * m + (1 - b1) * g;
      const corrected = m / (1 - b1 ** t);
      const length = infinite - (2 * t * b2 ** t) / (1 - b2 ** t);
      if (length > 5) {
        const scale = Math.sqrt((1 - b2 ** t) / v);
        const r = Math.sqrt(
          (((length - 4) / (infinite - 4)) * ((length - 2) / (infinite - 2)) * infinite) / length,
        );
        w -= lr * r * corrected * scale;
      } else {
        w -= lr * corrected;
      }
      return w;
    });
  }

  it("is the paper's algorithm, before and after its variance can be told", async () => {
    const gradients = Array.from({ length: 12 }, (_, i) => Math.sin(3 * i) + 0.2);
    const config = { ...adamDefaults, kind: "radam" };
    const expected = reference(0.5, gradients, 0.01);
    (await run(config, 0.5, gradients, 0.01)).forEach((w, i) => {
      expect(w).toBeCloseTo(expected[i], 5);
    });
  });
});

describe("Bop", () => {
  const config = { ...adamDefaults, kind: "bop", adaptivity: 0.5, threshold: 0.31 };

  it("turns a sign once the mean gradient has pointed against it for long enough", async () => {
    // m: 0.2, 0.3, 0.35 (turns), then it points the other way
    expect(await run(config, 1, [0.4, 0.4, 0.4, 0.4])).toEqual([1, 1, -1, -1]);
    expect(await run(config, -2, [-0.4, -0.4, -0.4])).toEqual([-2, -2, 2]);
    expect(await run(config, -1, [5, 5, 5])).toEqual([-1, -1, -1]);
  });

  it("updates its group beside another optimiser's", async () => {
    const groups = [
      { ...all, kind: "bop", start: 0, end: 1 },
      { ...all, kind: "sgd", start: 1, end: 2 },
    ];
    const both: GroupRule = { name: "bits", role: "binary", kind: "bop" };
    const mixed = { ...config, kind: "sgd", momentum: 0, groups: [both] };
    const { state, optimising } = await stateOf(mixed, [1, 1]);
    const scalars = { learningRate: 0.1, gradientScale: 1, clip: null, averageDecay: null };
    update(state, Float32Array.of(2, 2), groups, optimising, scalars);
    expect([...state.values].map((w) => Number(w.toFixed(6)))).toEqual([-1, 0.8]);
  });
});

describe("a configuration", () => {
  const refuse = (change: object) => expect(optimisersOf({ ...adamDefaults, ...change })).rejects;

  it("names optimisers that there are, and constants that work", async () => {
    await refuse({ kind: "adma" }).toThrow(/unknown optimiser "adma": did you mean "adam"/);
    await refuse({ beta1: 1 }).toThrow("optimiser.beta1 is 1, must be from 0 to below 1");
    await refuse({ kind: "bop", adaptivity: 0 }).toThrow(/adaptivity is 0/);
    await refuse({ weightDecay: -1 }).toThrow(/weightDecay is -1, must be 0 or more/);
    await expect(optimisersOf({ ...adamDefaults, kind: "sgd", beta1: 1 })).resolves.toBeDefined();
  });

  it.each([
    [5, "a pattern and a factor above 0 are wanted"],
    [{ pattern: "fc.*" }, "a pattern and a factor above 0 are wanted"],
    [{ pattern: "fc.*", factor: 1, kind: "sgd" }, 'unknown field "kind"'],
  ])("has rates that make sense, not %j", async (rule, message) => {
    await refuse({ rates: [rule] }).toThrow(message);
  });

  it.each([
    [{ rank: 4, decay: 1 }, /"g": unknown field "decay"/],
    [{}, /"g": says of no tensors: give rank, nameIncludes, pattern, role/],
    [{ rank: 4, weightDecay: -1 }, /"g": weightDecay is -1/],
    [{ rank: 4, learningRateScale: -1 }, /"g": learningRateScale is -1/],
    [{ rank: 4, kind: "bob" }, /unknown optimiser "bob": did you mean "bop"/],
    [{ role: "bits" }, /"g": role is "bits", must be binary or stem or/],
    [{ pattern: 4 }, /"g": pattern is 4, must be a text/],
    [{ rank: 4, weightDecay: null }, /weightDecay is null, must be 0 or more/],
  ])("has groups that make sense, not %j", async (rule, message) => {
    await refuse({ groups: [{ name: "g", ...rule }] }).toThrow(message);
  });
});

describe("update", () => {
  const config: OptimiserConfig = { ...adamDefaults, kind: "sgd", momentum: 0 };
  const groups = [
    { ...all, name: "a", kind: "sgd", weightDecay: 1 },
    { ...all, name: "b", kind: "sgd", learningRateScale: 0.5, start: 1, end: 2 },
  ];
  const scalars = { learningRate: 1, gradientScale: 1, clip: null, averageDecay: null };

  it("clips by the norm over all groups and returns the norm before", async () => {
    const { state, optimising } = await stateOf(config, [0, 0]);
    const norm = update(state, Float32Array.of(3, 4), groups, optimising, { ...scalars, clip: 1 });
    expect(norm).toBe(5);
    expect(state.values[0]).toBeCloseTo(-0.6, 5);
    expect(state.values[1]).toBeCloseTo(-0.4, 5);
  });

  it("scales accumulated gradients before clipping", async () => {
    const { state, optimising } = await stateOf(config, [0, 0]);
    const scaled = { ...scalars, clip: 5, gradientScale: 0.5 };
    expect(update(state, Float32Array.of(6, 8), groups, optimising, scaled)).toBe(5);
    expect(state.values[0]).toBeCloseTo(-3, 4);
  });

  it("gives every group its own decay and rate", async () => {
    const { state, optimising } = await stateOf(config, [2, 2]);
    update(state, Float32Array.of(0, 1), groups, optimising, scalars);
    expect([...state.values]).toEqual([0, 1.5]);
  });

  it("leaves everything alone where the gradient is not finite", async () => {
    const { state, optimising } = await stateOf(config, [1, 2]);
    expect(update(state, Float32Array.of(NaN, 1), groups, optimising, scalars)).toBeNaN();
    expect([...state.values]).toEqual([1, 2]);
    expect(state.step).toBe(0);
  });

  it("moves the running average after the step", async () => {
    const { state: plain, optimising } = await stateOf(config, [0, 0]);
    const state = { ...plain, average: Float32Array.of(0, 0, 7) };
    update(state, Float32Array.of(-1, -2), groups, optimising, { ...scalars, averageDecay: 0.75 });
    expect([...state.average]).toEqual([0.25, 0.25, 7]);
  });

  it("norm and clip factor", async () => {
    expect(globalNorm(Float32Array.of(1, -2, 2))).toBe(3);
    expect(clipFactor(4, null)).toBe(1);
    expect(clipFactor(0.1, 5)).toBe(1);
    expect(clipFactor(10, 5)).toBeCloseTo(0.5, 6);
  });
});

describe("parameter groups", () => {
  const spec = (shape: number[], role = "other") =>
    ({ shape, kind: "parameter", role, init: { kind: "constant", value: 0 } }) as const;

  it("takes the first rule that fits, by rank, name, pattern or role", async () => {
    const config: OptimiserConfig = {
      ...adamDefaults,
      groups: [
        { name: "norm", role: "norm", weightDecay: 0 },
        { name: "tail", pattern: "tail.*.bias", learningRateScale: 0.1 },
        { name: "filters", rank: 4, nameIncludes: "binary_conv", weightDecay: 1e-8 },
      ],
    };
    expect(groupOf("a.weight", spec([8, 8, 3, 3]) as never, config)).toBe(2);
    expect(groupOf("a.move.bias", spec([1, 8, 1, 1]) as never, config)).toBe(2);
    expect(groupOf("a.binary_conv.weights", spec([64, 1]) as never, config)).toBe(2);
    expect(groupOf("a.bn.weight", spec([8], "norm") as never, config)).toBe(0);
    expect(groupOf("tail.3.fc.bias", spec([10]) as never, config)).toBe(1);
    expect(groupOf("tail.3.fc.weight", spec([10, 8]) as never, config)).toBe(3);
    expect(groupOf("fc.weight", spec([10, 8]) as never, config)).toBe(3);
  });
});
