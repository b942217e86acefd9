import { UsageError } from "onebit";
import { evaluate, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { rng } from "../data/random.js";
import { createEngine } from "../engine/node.js";
import { compileEvaluation, compileTraining } from "../engine/plan.js";
import { adamDefaults } from "../optimisers/index.js";
import { flatten, unflatten } from "./flat.js";
import { freeze } from "./freeze.js";
import { initialTensors } from "./initialise.js";
import { layoutOf } from "./layout.js";
import { matchesKey } from "./patterns.js";

const network = buildModel("reactnet", {
  ...{ widths: [8, 8, 16], stemStride: 1, classes: 4, input: [3, 8, 8], batch: 6 },
});
const optimiser = { ...adamDefaults, kind: "sgd", weightDecay: 0.1 };

/** Two steps with what is left to train, and what they did to each tensor. */
async function trained(patterns: readonly string[]) {
  const frozen = freeze(network, patterns);
  const graph = compileTraining(frozen);
  const layout = layoutOf(frozen, new Set(graph.gradients), optimiser);
  const training = { graph, optimiser, clip: null, averageDecay: null };
  const start = initialTensors(network, 1);
  const evaluation = compileEvaluation(network, 6);
  const plan = { layout, training, evaluation, threads: 1 };
  const engine = await createEngine(plan, flatten(layout, start));
  try {
    const losses: number[] = [];
    for (const seed of [1, 2]) {
      const { loss } = await engine.step({
        microBatches: [batch(seed)],
        learningRate: 0.1,
        scalars: {},
      });
      losses.push(loss);
    }
    const after = unflatten(layout, (await engine.snapshot()).values);
    const changed = Object.keys(after).filter((key) =>
      after[key].data.some((value, i) => value !== Math.fround(start[key].data[i])),
    );
    return { losses, after, changed, start };
  } finally {
    await engine.dispose();
  }
}

function batch(seed: number) {
  const random = rng(seed, "freeze");
  const images = Float32Array.from({ length: 6 * 3 * 64 }, () => random.normal());
  return { images, labels: Int32Array.from({ length: 6 }, () => random.integer(4)) };
}

describe("freeze", () => {
  it("leaves what is frozen as it is, with its statistics and counters", async () => {
    const { changed } = await trained(["feature.*"]);
    expect(changed.sort()).toEqual(["fc.bias", "fc.weight"]);
  });

  it("trains the rest, and freezes statistics only where their keys fit", async () => {
    const { changed } = await trained(["feature.1.*", "feature.0.conv1.weight", "*.bn1.weight"]);
    expect(changed.filter((key) => key.startsWith("feature.1."))).toEqual([]);
    expect(changed).toContain("feature.0.bn1.running_mean");
    expect(changed).toContain("feature.2.bn1.running_var");
    expect(changed).not.toContain("feature.2.bn1.weight");
    expect(changed).not.toContain("feature.0.conv1.weight");
  });

  it("computes the loss of the network as it is evaluated where all statistics are frozen", async () => {
    const { losses, start } = await trained(["feature.*"]);
    const { images, labels } = batch(1);
    const x: Tensor = { shape: [6, 3, 8, 8], data: images };
    const { logits } = evaluate(network, { x }, start).outputs;
    const each = Array.from(labels, (label, n) => {
      const row = Array.from(logits.data.slice(4 * n, 4 * n + 4));
      return Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[label];
    });
    expect(losses[0]).toBeCloseTo(each.reduce((a, b) => a + b) / 6, 5);
  });

  it("refuses a pattern that fits nothing", () => {
    expect(() => freeze(network, ["fc.wieght"])).toThrow(/did you mean "fc.weight"/);
    expect(() => freeze(network, ["layer4.*"])).toThrow(/has no such tensor: There are .*fc.bias/);
    expect(() => freeze(network, [""])).toThrow(UsageError);
    expect(freeze(network, [])).toBe(network);
  });

  it("refuses to leave nothing to train", () => {
    expect(() => freeze(network, ["*"])).toThrow(
      new UsageError('freeze "*": nothing of reactnet is left to train'),
    );
    expect(() => freeze(network, ["feature.*", "fc.*"])).toThrow(/"feature.\*", "fc.\*": nothing/);
  });
});

describe("a pattern", () => {
  it.each([
    ["fc.*", "fc.weight", true],
    ["fc.*", "xfc.weight", false],
    ["*", "anything", true],
    ["fc", "fc.weight", false],
    ["*.bn*.weight", "a.bn1.weight", true],
    ["*.bn*.weight", "a.bn1.bias", false],
    ["a*a", "a", false],
    ["a*ab*b", "aabb", true],
    ["a.c", "abc", false],
  ])("%s and %s: %s", (pattern, key, fits) => {
    expect(matchesKey(pattern, key)).toBe(fits);
  });
});
