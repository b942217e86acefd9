import { OnebitError } from "onebit";
import { evaluate } from "onebit/graph";
import { buildModel, type ModelOptions } from "onebit/models";
import { describe, expect, it } from "vitest";
import { randomImages, randomWeights } from "../../../../core/src/test-support/random-weights.js";
import type { MetadataValue } from "../../readers/checkpoint.js";
import { openCheckpoint } from "../../readers/open-checkpoint.js";
import { shapesOf } from "../catalogue/shapes.js";
import { checkpointOf, rename, type Tensors, weightsOf } from "../test-support/checkpoints.js";
import { reactnetForm } from "./form.js";
import { binaryEvidence } from "./form-evidence.js";

const small = { input: [3, 32, 32], classes: 4 } as const;
const reactnetA = (seed = 11) =>
  randomWeights(buildModel("reactnet", { ...small, widths: [4, 8], form: "step1" }), seed);
const reactnet18 = () =>
  weightsOf("reactnet-18", { ...small, width: 4, depths: [1, 1, 1, 1], stem: "small" });

/** Statistics as images leave them, up to a fifth off, as those of an average over a training are. */
function trained(name: string, options: Partial<ModelOptions>, seed: number): Tensors {
  const graph = buildModel(name, { ...options, batch: 4 });
  const tensors = randomWeights(graph, seed);
  const image = randomImages(graph.inputs[0].shape, seed);
  const { updates } = evaluate(graph, { x: image }, tensors, { mode: "training" });
  const noise = randomImages([100], seed + 1).data;
  const seen = Object.entries(updates).map(([key, { shape, data }]) => {
    const off = (i: number) => 1 + noise[i % 100] / 10;
    const batch = data.map((x, i) => ((x - 0.9 * tensors[key].data[i]) / 0.1) * off(i));
    return [key, { shape, data: batch }];
  });
  return { ...tensors, ...Object.fromEntries(seen) };
}

/** AdamBNN's keys: 4-D weights in step 2 too. */
function fourDimensional(tensors: Tensors, shapes: Tensors): Tensors {
  const renamed = { ...tensors };
  rename(renamed, /(binary_\w+)\.weights$/, "$1.weight");
  for (const [key, { data }] of Object.entries(renamed)) {
    renamed[key] = { shape: shapes[key].shape, data };
  }
  return renamed;
}

async function evidence(tensors: Tensors): Promise<number> {
  return binaryEvidence((await openCheckpoint(checkpointOf(tensors))).tensors);
}

async function found(stored: Tensors, metadata: { [key: string]: MetadataValue } = {}) {
  const { tensors } = await openCheckpoint(checkpointOf(stored));
  return reactnetForm(tensors, shapesOf(tensors), new Map(Object.entries(metadata)));
}

/** Weights as the authors released them: +-s per output channel. */
function released(tensors: Tensors): Tensors {
  const entries = Object.entries(tensors).map(([key, { shape, data }]) => {
    const length = data.length / shape[0];
    const sized = data.map((w, i) => Math.sign(w) * (1 + Math.floor(i / length)));
    return [key, { shape, data: /binary_/.test(key) ? sized : data }];
  });
  return Object.fromEntries(entries);
}

const decays = (...values: readonly number[]) =>
  Object.fromEntries(values.map((decay, i) => [`optimizer.param_groups.${i}.weight_decay`, decay]));

describe("where batch norms have seen images", () => {
  const options = { ...small, widths: [8, 16, 16, 32] };
  const resnet = { ...small, width: 8, depths: [2, 2, 1, 1], stem: "small" } as const;

  it("they tell the step of ReActNet-A and AdamBNN", async () => {
    const step1 = trained("reactnet", { ...options, form: "step1" }, 1);
    const step2 = fourDimensional(trained("reactnet", options, 1), step1);
    expect(await found(step1)).toEqual({
      form: "step1",
      note: expect.stringMatching(/means in its batch norms are those of real weights; --form bin/),
    });
    expect(await found(step2)).toEqual({
      form: "binary",
      note: expect.stringMatching(/taken as step 2, .* those of signs; --form step1 if it is not/),
    });
  });

  it("they tell the step on ResNets", async () => {
    const step1 = trained("reactnet-18", { ...resnet, form: "step1" }, 4);
    expect(await found(step1)).toMatchObject({ form: "step1" });
    const step2 = trained("reactnet-18", resnet, 4);
    expect(await found(step2)).toMatchObject({ form: "binary" });
  });

  it("they do so by tens of nats, whatever the seed", async () => {
    const rows: number[][] = [];
    for (let seed = 7; seed <= 10; seed++) {
      const a = trained("reactnet", { ...options, form: "step1" }, seed);
      const step2 = fourDimensional(trained("reactnet", options, seed), a);
      const b = trained("reactnet-18", { ...resnet, form: "step1" }, seed);
      const of = [a, step2, b, trained("reactnet-18", resnet, seed)].map(evidence);
      rows.push(await Promise.all(of));
    }
    const least = [0, 1, 2, 3].map((k) => Math.min(...rows.map((row) => Math.abs(row[k]))));
    const signs = rows.map((row) => row.map(Math.sign).join());
    console.log(`least nats of seeds 7 to 10: ${least.map((x) => x.toFixed(1)).join(", ")}`);
    expect(new Set(signs)).toEqual(new Set(["-1,1,-1,1"]));
    expect(Math.min(...least)).toBeGreaterThan(20);
  });

  it("they go before the optimiser: step 1 may be trained without decay", async () => {
    const step1 = trained("reactnet", { ...options, form: "step1" }, 6);
    expect(await found(step1, decays(0, 0))).toMatchObject({ form: "step1" });
    const step2 = fourDimensional(trained("reactnet", options, 6), step1);
    expect(await found(step2, decays(0, 1e-5))).toMatchObject({ form: "binary" });
  });
});

describe("where they have not", () => {
  it("their numbers weigh little, whatever they are", async () => {
    for (const seed of [1, 2, 3, 4]) {
      expect(Math.abs(await evidence(reactnetA(seed)))).toBeLessThan(5);
    }
    const fresh = { ...reactnetA() };
    for (const [key, { shape, data }] of Object.entries(fresh)) {
      if (key.endsWith("running_mean")) fresh[key] = { shape, data: data.map(() => 0) };
    }
    expect(await evidence(fresh)).toBe(0);
  });

  it.each([
    [[0, 0], "binary", /taken as step 2, .*does not decay/],
    [[0, 5e-6], "step1", /taken as step 1, .*optimiser decays/],
  ])("an optimiser that decays weights by %j makes it %s", async (values, form, note) => {
    const result = await found(reactnetA(), decays(...values));
    expect(result).toEqual({ form, note: expect.stringMatching(note) });
    expect(await found(reactnet18(), decays(...values))).toMatchObject({ form });
  });

  it("it is not guessed", async () => {
    for (const tensors of [reactnetA(), reactnet18()]) {
      await expect(found(tensors)).rejects.toThrow(/--form binary .* or --form step1/);
      await expect(found(tensors)).rejects.toThrow(OnebitError);
    }
  });

  it("it is binary where weights are signs times a scale", async () => {
    expect(await found(released(reactnetA()))).toEqual({ form: "binary" });
  });

  it("flat weights, as on ResNets before October 2020, are binary", async () => {
    const tensors = reactnet18();
    rename(tensors, /binary_conv\.weight$/, "binary_conv.weights");
    expect(await found(tensors)).toEqual({ form: "binary" });
  });
});
