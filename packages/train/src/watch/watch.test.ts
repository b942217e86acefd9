import * as layers from "onebit/graph";
import {
  type Estimator,
  evaluate,
  type Graph,
  type GraphBuilder,
  network,
  type Tensor,
} from "onebit/graph";
import { buildModel } from "onebit/models";
import { afterEach, describe, expect, it } from "vitest";
import { rng } from "../data/random.js";
import { createEngine } from "../engine/node.js";
import { compileTraining, trainingGraph } from "../engine/plan.js";
import { startEngine } from "../engine/start.js";
import type { Engine, EnginePlan, MicroBatch } from "../engine/types.js";
import { targetsFromLabels } from "../losses/index.js";
import { adamDefaults, type OptimiserConfig } from "../optimisers/index.js";
import { flatten, freeze, initialTensors } from "../state/index.js";
import { layoutOf } from "../state/layout.js";
import { compileWatching } from "./watch-graph.js";
import { watchedLayers } from "./watched-layers.js";

const CLASSES = 3;
const sgd: OptimiserConfig = { ...adamDefaults, kind: "sgd", momentum: 0 };
const scalars = { temperature: 0.3 };

/** Slope of a triangle: of one's own, so that its closed form stands here. */
const triangle: Estimator = (b, t, g) =>
  b.op("mul", [g, b.op("relu", [b.op("sub", [b.constant(1), b.op("abs", [t])])])]);

/** Slopes by the articles' formulas, written down apart from the product's. */
const slopes: { readonly [estimator: string]: (t: number, range: number) => number } = {
  clip: (t, range) => (t >= -range && t <= range ? 1 : 0),
  approx: (t) => (t < -1 || t >= 1 ? 0 : t < 0 ? 2 + 2 * t : 2 - 2 * t),
  identity: () => 1,
  triangle: (t) => Math.max(0, 1 - Math.abs(t)),
};

/** A convolution and a linear layer with 1-bit weights, the second written by hand; real ends. */
function mixed(batch: number): Graph {
  return network("mixed", [batch, 2, 6, 6], (b: GraphBuilder, x) => {
    const stem = layers.conv2d(b, "stem", x, { out: 4, kernel: 3, role: "stem" });
    const signs = layers.rsign(b, "move", layers.batchNorm(b, "bn1", stem), {
      estimator: "triangle",
    });
    const binarizer = { scale: "none", estimator: "clip", range: 1 } as const;
    const y = layers.binaryConv2d(b, "block.conv", signs, { out: 5, kernel: 3, binarizer });
    const pooled = layers.globalAveragePool(b, "pool", y);
    const bits = layers.sign(b, "bits", pooled, { estimator: "clip", range: 0.05 });
    const spec = { shape: [6, 5], kind: "parameter", role: "binary" } as const;
    const weight = b.tensor("dense.weight", { ...spec, init: { kind: "normal", std: 0.05 } });
    const hidden = b.op("linear", [bits, layers.sign(b, "dense.bits", weight)]);
    return layers.linear(b, "fc", hidden, CLASSES);
  });
}

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

interface Watched {
  readonly graph: Graph;
  readonly plan: EnginePlan;
  readonly engine: Engine;
  readonly tensors: { readonly [key: string]: Tensor };
}

const estimators = { triangle };

async function watched(
  graph: Graph,
  {
    optimiser = sgd,
    replicas = 1,
    latent = 1,
  }: { optimiser?: OptimiserConfig; replicas?: number; latent?: number } = {},
): Promise<Watched> {
  const compiled = compileTraining(graph, { estimators });
  const layout = layoutOf(graph, new Set(compiled.gradients), optimiser);
  const tensors = initialTensors(graph, 1);
  for (const [key, { role }] of Object.entries(graph.tensors)) {
    const { data, shape } = tensors[key];
    if (role === "binary") tensors[key] = { shape, data: data.map((w) => latent * w) };
  }
  const watch = compileWatching(graph, { estimators });
  const training = { graph: compiled, optimiser, clip: null, averageDecay: null, watch };
  const plan: EnginePlan = { layout, training, threads: replicas, replicas };
  const start = replicas > 1 ? startEngine : createEngine;
  const engine = await start(plan, flatten(layout, tensors));
  engines.push(engine);
  return { graph, plan, engine, tensors };
}

function batchOf(graph: Graph, seed: number): MicroBatch {
  const { shape } = graph.inputs.find(({ name }) => name === "x")!;
  const random = rng(seed, "batch");
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    images: Float32Array.from({ length: size }, () => random.normal()),
    labels: Int32Array.from({ length: shape[0] }, () => random.integer(CLASSES)),
  };
}

const copy = ({ images, labels }: MicroBatch): MicroBatch => ({ images: images.slice(), labels });

async function tensorsNow({ plan, engine }: Watched): Promise<{ [key: string]: Tensor }> {
  const { values } = await engine.snapshot();
  return Object.fromEntries(
    plan.layout.segments.map(({ key, shape, start, end }) => [
      key,
      { shape, data: values.slice(start, end) },
    ]),
  );
}

/** All values and gradients of a micro-batch, in float64. */
function oracle(graph: Graph, tensors: { [key: string]: Tensor }, batch: MicroBatch) {
  const { shape } = graph.inputs.find(({ name }) => name === "x")!;
  const target = targetsFromLabels(batch.labels, CLASSES);
  const feeds = {
    x: { shape, data: batch.images },
    target: { shape: [shape[0], CLASSES], data: target },
    ...scalars,
  };
  const how = { mode: "training", precision: 64 } as const;
  return evaluate(trainingGraph(graph, { estimators }), feeds, tensors, how);
}

/** Share of dead channels and of closed inputs of a sign over several micro-batches, by plain loops. */
function signFigures(graph: Graph, sign: string, parts: readonly ReturnType<typeof oracle>[]) {
  const { inputs, attrs } = graph.nodes.find(({ name }) => name === sign)!;
  const slope = slopes[attrs.estimator as string];
  const { shape } = parts[0].values.get(sign)!;
  const [, channels, ...map] = shape;
  const places = map.reduce((a, b) => a * b, 1);
  const kinds = Array.from({ length: channels }, () => new Set<boolean>());
  let closed = 0;
  let all = 0;
  for (const { values } of parts) {
    const t = values.get(inputs[0])!.data;
    for (let i = 0; i < t.length; i++) {
      kinds[Math.floor(i / places) % channels].add(t[i] > 0);
      if (Math.abs(slope(t[i], attrs.range as number)) < 0.01) closed++;
      all++;
    }
  }
  const dead = kinds.filter(({ size }) => size === 1).length;
  return { deadSigns: dead / channels, saturation: closed / all };
}

const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((s, x) => s + x * x, 0));

async function check(
  setup: Watched,
  batches: readonly MicroBatch[],
  signsOf: { [layer: string]: string },
) {
  const { graph, engine } = setup;
  const before = await tensorsNow(setup);
  const parts = batches.map((batch) => oracle(graph, before, batch));
  const microBatches = batches.map(copy);
  const how = { microBatches, learningRate: 0.3, scalars };
  const { observation } = await engine.step({ ...how, observe: true });
  const after = await tensorsNow(setup);
  const { layers: seen } = observation!;
  for (const [layer, sign] of Object.entries(signsOf)) {
    const { deadSigns, saturation } = signFigures(graph, sign, parts);
    expect(seen[layer].deadSigns, layer).toBe(deadSigns);
    expect(seen[layer].saturation, layer).toBeCloseTo(saturation, 6);
  }
  for (const { name, weight } of watchedLayers(graph)) {
    expect(seen[name].weightNorm).toBeCloseTo(norm(after[weight!].data), 4);
    const gradients = parts.map(({ outputs }) => outputs[`grad:${weight}`]?.data);
    if (!gradients[0]) {
      expect(seen[name]).not.toHaveProperty("gradientNorm", expect.anything());
      continue;
    }
    const mean = Array.from(gradients[0], (_, i) => {
      return gradients.reduce((sum, data) => sum + data[i] / parts.length, 0);
    });
    expect(Math.abs(seen[name].gradientNorm! - norm(mean)), name).toBeLessThan(
      1e-3 * norm(mean) + 1e-9,
    );
    if (graph.tensors[weight!].role !== "binary") continue;
    const [end, start] = [after, before].map((tensors) => Array.from(tensors[weight!].data));
    const flips = end.filter((w, i) => w > 0 !== start[i] > 0).length;
    expect(seen[name].flipRate, name).toBe(flips / end.length);
  }
  return observation!;
}

describe("watched layers", () => {
  it("go by the keys of their weights, with the signs that they read", () => {
    expect(watchedLayers(mixed(2))).toEqual([
      { name: "stem", weight: "stem.weight", signs: [] },
      { name: "block.conv", weight: "block.conv.weight", signs: ["move.sign"] },
      { name: "dense", weight: "dense.weight", signs: ["bits"] },
      { name: "fc", weight: "fc.weight", signs: [] },
    ]);
  });

  it.each(["bnext-t", "bnext-18", "reactnet-a", "reactnet-18"])(
    "%s: every 1-bit weight has its layer, every layer its signs",
    (name) => {
      const graph = buildModel(name, { classes: 10, input: [3, 32, 32], batch: 2 });
      const found = watchedLayers(graph);
      const binary = Object.keys(graph.tensors).filter(
        (key) => graph.tensors[key].role === "binary",
      );
      const withSigns = found.filter(({ signs }) => signs.length === 1);
      expect(withSigns.map(({ weight }) => weight).sort()).toEqual(binary.sort());
      expect(new Set(found.map(({ name }) => name)).size).toBe(found.length);
      const all = graph.nodes.filter(({ op }) => op === "sign");
      expect(new Set(found.flatMap(({ signs }) => signs)).size).toBe(all.length);
    },
  );

  it("a sign whose layer has no weight stands by itself; joined and padded ones belong to who reads them", () => {
    const graph = network("odd", [2, 2, 4, 4], (b: GraphBuilder, x) => {
      const [a, c] = ["a", "c"].map((name) => layers.sign(b, name, x));
      const joined = b.op(
        "concat",
        [a, b.op("max-pool", [c], { kernel: [1, 1], stride: [1, 1], padding: [0, 0] })],
        { axis: 1 },
      );
      const binarizer = { scale: "none", estimator: "clip", range: 1 } as const;
      const y = layers.binaryConv2d(b, "conv", joined, { out: 2, kernel: 3, binarizer });
      const alone = b.op("mul", [y, layers.sign(b, "alone", y)]);
      return layers.linear(b, "fc", layers.globalAveragePool(b, "pool", alone), CLASSES);
    });
    expect(watchedLayers(graph).map(({ name, signs }) => [name, signs])).toEqual([
      ["conv", ["a", "c"]],
      ["fc", []],
      ["alone", ["alone"]],
    ]);
  });
});

describe("an observed step", () => {
  const signsOf = { "block.conv": "move.sign", dense: "bits" };

  it("sees what plain loops over the oracle's values see", async () => {
    const setup = await watched(mixed(4), { latent: 0.1 });
    const { layers: seen } = await check(setup, [batchOf(setup.graph, 1)], signsOf);
    expect(Object.keys(seen)).toEqual(["stem", "block.conv", "dense", "fc"]);
    expect(seen.stem).not.toHaveProperty("deadSigns");
    // Of a small batch some channels of a vector have one sign, and a window of 0.05 is narrow.
    expect(seen.dense.deadSigns).toBeGreaterThan(0);
    expect(seen.dense.saturation).toBeGreaterThan(0.5);
    expect(seen["block.conv"].saturation).toBeGreaterThan(0.1);
  });

  it("a channel is dead only if it is so in all micro-batches, whichever thread computed them", async () => {
    const setup = await watched(mixed(2), { replicas: 2 });
    const batches = [1, 2, 3].map((seed) => batchOf(setup.graph, seed));
    const { layers: seen } = await check(setup, batches, signsOf);
    const each = batches.map((batch) => {
      const part = oracle(setup.graph, setup.tensors as { [key: string]: Tensor }, batch);
      return signFigures(setup.graph, "bits", [part]).deadSigns;
    });
    expect(seen.dense.deadSigns).toBeLessThan(Math.min(...each));
  });

  it.each(["bnext", "reactnet"])("of a %s", async (name) => {
    const widths = [8, 8, 16];
    const graph = buildModel(name, { classes: CLASSES, input: [1, 8, 8], batch: 3, widths });
    const setup = await watched(graph, { latent: 0.1 });
    const signs = watchedLayers(graph).flatMap(({ name, signs }) =>
      signs.map((sign) => [name, sign]),
    );
    expect(signs.length).toBeGreaterThan(3);
    await check(setup, [batchOf(graph, 1), batchOf(graph, 2)], Object.fromEntries(signs));
  });

  it("of optimisers by group and frozen weights: these have no gradient and no flips", async () => {
    const optimiser: OptimiserConfig = {
      ...sgd,
      groups: [{ name: "dense", pattern: "dense.*", kind: "adam" }],
    };
    const setup = await watched(freeze(mixed(4), ["block.*"]), { optimiser });
    const { layers: seen } = await check(setup, [batchOf(setup.graph, 1)], signsOf);
    expect(seen["block.conv"].flipRate).toBeUndefined();
    expect(seen["block.conv"].gradientNorm).toBeUndefined();
    expect(seen["block.conv"].weightNorm).toBeGreaterThan(0);
    expect(seen.dense.gradientNorm).toBeGreaterThan(0);
  });

  it("of a network without signs has norms", async () => {
    const { layers: seen } = await check(
      await watched(buildModel("linear", { classes: CLASSES, input: [1, 4, 4], batch: 2 })),
      [batchOf(buildModel("linear", { classes: CLASSES, input: [1, 4, 4], batch: 2 }), 1)],
      {},
    );
    expect(Object.values(seen)).toEqual([
      { gradientNorm: expect.any(Number), weightNorm: expect.any(Number) },
    ]);
  });

  it("changes nothing of the training, and counts flips since the last one", async () => {
    const [one, other] = [
      await watched(mixed(4), { latent: 0.1 }),
      await watched(mixed(4), { latent: 0.1 }),
    ];
    const start = await tensorsNow(one);
    for (let i = 0; i < 5; i++) {
      const batch = batchOf(one.graph, i);
      const how = { learningRate: 0.3, scalars };
      const seen = await one.engine.step({ ...how, microBatches: [copy(batch)], observe: i === 4 });
      const plain = await other.engine.step({ ...how, microBatches: [copy(batch)] });
      expect(plain.observation).toBeUndefined();
      expect(seen.loss).toBe(plain.loss);
      if (i < 4) continue;
      const end = (await tensorsNow(one))["dense.weight"].data;
      const flips = end.filter((w, k) => w > 0 !== start["dense.weight"].data[k] > 0).length;
      expect(seen.observation).toMatchObject({
        since: 0,
        layers: { dense: { flipRate: flips / 30 } },
      });
      expect(flips).toBeGreaterThan(0);
    }
    expect(await tensorsNow(one)).toEqual(await tensorsNow(other));
  });

  it("goes on counting from a snapshot", async () => {
    const [one, other] = [
      await watched(mixed(4), { latent: 0.1 }),
      await watched(mixed(4), { latent: 0.1 }),
    ];
    const how = { learningRate: 0.3, scalars };
    const step = (engine: Engine, seed: number, observe = false) =>
      engine.step({ ...how, microBatches: [batchOf(one.graph, seed)], observe });
    await step(one.engine, 1);
    await step(one.engine, 2, true);
    await step(one.engine, 3);
    await other.engine.restore(await one.engine.snapshot());
    const [expected, actual] = [await step(one.engine, 4, true), await step(other.engine, 4, true)];
    expect(expected.observation!.since).toBe(2);
    expect(actual.observation).toEqual(expected.observation);
    // What knows of no observation counts from itself.
    const { watched: _, ...unwatched } = await one.engine.snapshot();
    await other.engine.restore(unwatched);
    expect((await step(other.engine, 5, true)).observation!.since).toBe(4);
  });

  it("is refused by an engine that was not started for it", async () => {
    const { plan, tensors } = await watched(mixed(4));
    const { watch: _, ...training } = plan.training!;
    const engine = await createEngine(
      { ...plan, training },
      flatten(plan.layout, tensors as { [key: string]: Tensor }),
    );
    engines.push(engine);
    const step = engine.step({
      microBatches: [batchOf(mixed(4), 1)],
      learningRate: 1,
      scalars,
      observe: true,
    });
    await expect(step).rejects.toThrow(/without anything to observe/);
  });
});
