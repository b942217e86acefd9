import * as layers from "onebit/graph";
import { evaluate, type Graph, type GraphBuilder, network, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { afterEach, describe, expect, it } from "vitest";
import { runOnnx } from "../../../core/src/test-support/run-onnx.js";
import { rng } from "../data/random.js";
import { targetsFromLabels } from "../losses/index.js";
import { adamDefaults, type OptimiserConfig } from "../optimisers/index.js";
import { flatten, initialTensors } from "../state/index.js";
import { layoutOf } from "../state/layout.js";
import { createEngine } from "./node.js";
import { compileEvaluation, compileTraining, trainingGraph } from "./plan.js";
import { startEngine } from "./start.js";
import type { Engine, EnginePlan, MicroBatch, TrainingPlan } from "./types.js";

const BATCH = 4;
const CLASSES = 3;
const sgd: OptimiserConfig = { ...adamDefaults, kind: "sgd", momentum: 0 };

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

/** Everything that the engine treats specially: statistics, clamped latents, counters, mirrors. */
function tiny(batch = BATCH): Graph {
  return network("tiny", [batch, 2, 6, 6], (b: GraphBuilder, x) => {
    const stem = layers.conv2d(b, "stem", x, { out: 4, kernel: 3, role: "stem" });
    const signs = layers.rsign(b, "move", layers.batchNorm(b, "bn1", stem));
    const binarizer = {
      scale: "none",
      estimator: "identity",
      threshold: 1e-7,
      latentRange: 1.5,
    } as const;
    const y = layers.binaryConv2d(b, "binary_conv", signs, { out: 4, kernel: 3, binarizer });
    return layers.linear(b, "fc", layers.globalAveragePool(b, "pool", y), CLASSES);
  });
}

interface Setup {
  readonly plan: EnginePlan;
  readonly tensors: { [key: string]: Tensor };
  readonly values: Float32Array;
}

function setUp(network: Graph, training: Partial<TrainingPlan> = {}, seed = 1): Setup {
  const graph = compileTraining(network);
  const optimiser = training.optimiser ?? sgd;
  const layout = layoutOf(network, new Set(graph.gradients), optimiser);
  const tensors = initialTensors(network, seed);
  const plan: EnginePlan = {
    layout,
    training: {
      ...{ graph, optimiser, clip: null, averageDecay: null },
      ...training,
    },
    evaluation: compileEvaluation(network, BATCH),
    threads: 1,
  };
  return { plan, tensors, values: flatten(layout, tensors) };
}

async function start({ plan, values }: Setup): Promise<Engine> {
  const engine = await createEngine(plan, values);
  engines.push(engine);
  return engine;
}

function batchOf(seed: number, shape = [BATCH, 2, 6, 6]): MicroBatch {
  const random = rng(seed, "batch");
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    images: Float32Array.from({ length: size }, () => random.normal()),
    labels: Int32Array.from({ length: shape[0] }, () => random.integer(CLASSES)),
  };
}

const scalars = { temperature: 0.3 };

describe("engine", () => {
  it("takes the step that the oracle takes", async () => {
    const network = tiny();
    const setup = setUp(network);
    setup.values[setup.plan.layout.segments.find((s) => s.key === "binary_conv.weight")!.start] = 4;
    const before = tensorsFrom(setup.plan, setup.values);
    const engine = await start(setup);
    const batch = batchOf(1);
    const target = targetsFromLabels(batch.labels, CLASSES);
    const oracle = evaluate(
      trainingGraph(network),
      {
        x: { shape: [BATCH, 2, 6, 6], data: batch.images },
        target: { shape: [BATCH, CLASSES], data: target },
        ...scalars,
      },
      before,
      { mode: "training" },
    );
    const result = await engine.step({ microBatches: [batch], learningRate: 0.5, scalars });
    const after = tensorsFrom(setup.plan, (await engine.snapshot()).values);

    expect(result.loss).toBeCloseTo(oracle.outputs.loss.data[0], 5);
    expect(result.finite).toBe(true);
    let square = 0;
    for (const [key, { kind }] of Object.entries(network.tensors)) {
      const gradient = oracle.outputs[`grad:${key}`]?.data;
      const start = oracle.updates[key]?.data ?? before[key].data;
      if (kind === "counter") expect(after[key].data[0]).toBe(1);
      else if (kind === "mirror") expect(after[key].data[0]).toBeCloseTo(0.3, 6);
      else {
        for (let i = 0; i < start.length; i++) {
          const g = gradient ? gradient[i] : 0;
          square += g * g;
          expect(after[key].data[i]).toBeCloseTo(start[i] - 0.5 * g, 4);
        }
      }
    }
    expect(result.gradientNorm).toBeCloseTo(Math.sqrt(square), 4);
    expect(oracle.updates["binary_conv.weight"].data[0]).toBe(1.5);
  });

  it("agrees with the oracle on a whole BNext, whose batch-norms share shapes", async () => {
    const network = buildModel("bnext", {
      ...{ classes: CLASSES, input: [1, 8, 8], batch: BATCH, widths: [8, 8, 16] },
    });
    const { onnx, tensors: read } = compileTraining(network);
    const tensors = initialTensors(network, 3);
    const { images, labels } = batchOf(4, [BATCH, 1, 8, 8]);
    const feeds = {
      x: { shape: [BATCH, 1, 8, 8], data: images },
      target: { shape: [BATCH, CLASSES], data: targetsFromLabels(labels, CLASSES) },
    };
    const used = Object.fromEntries(read.map((key) => [key, tensors[key]]));
    const temperature = { shape: [], data: Float32Array.of(0.2) };
    const actual = await runOnnx(onnx, { ...used, ...feeds, temperature });
    const graph = trainingGraph(network);
    const oracle = evaluate(graph, { ...feeds, temperature }, tensors, { mode: "training" });
    for (const [name, { data }] of Object.entries(oracle.outputs)) {
      const largest = Array.from(data).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      data.forEach((value, i) => {
        expect(Math.abs(actual[name].data[i] - value)).toBeLessThan(1e-3 * largest + 1e-6);
      });
    }
  });

  it("averages the gradients of micro-batches, with statistics of each", async () => {
    const setup = setUp(tiny());
    const parts = [batchOf(1), batchOf(2)];
    const norms: number[] = [];
    const steps: Float32Array[] = [];
    for (const part of parts) {
      const engine = await start({ ...setup, values: setup.values.slice() });
      const { gradientNorm } = await engine.step({
        microBatches: [part],
        learningRate: 1,
        scalars,
      });
      norms.push(gradientNorm);
      steps.push((await engine.snapshot()).values);
    }
    const engine = await start({ ...setup, values: setup.values.slice() });
    const result = await engine.step({ microBatches: parts, learningRate: 1, scalars });
    const { values } = await engine.snapshot();
    for (let i = 0; i < setup.plan.layout.trained; i++) {
      expect(values[i]).toBeCloseTo((steps[0][i] + steps[1][i]) / 2, 5);
    }
    expect(result.images).toBe(2 * BATCH);
    expect(result.gradientNorm).toBeLessThan(Math.max(...norms));
    const tracked = setup.plan.layout.segments.find(({ kind }) => kind === "counter")!;
    expect(values[tracked.start]).toBe(2);
    const mean = setup.plan.layout.segments.find(({ key }) => key === "bn1.running_mean")!;
    for (let i = mean.start; i < mean.end; i++) {
      expect(values[i]).toBeCloseTo((steps[0][i] + steps[1][i]) / 2, 6);
    }
  });

  it("does not care how many replicas compute the micro-batches", async () => {
    const parts = () => [1, 2, 3].map((seed) => batchOf(seed));
    const snapshots = [];
    for (const replicas of [1, 2, 3]) {
      const { plan, values } = setUp(tiny(), { optimiser: adamDefaults });
      // One thread for each: with more, ONNX Runtime may add in another order.
      const engine = await createEngine({ ...plan, replicas, threads: replicas }, values);
      engines.push(engine);
      for (let step = 0; step < 3; step++) {
        const result = await engine.step({ microBatches: parts(), learningRate: 0.01, scalars });
        expect(result.recycled.map(({ length }) => length)).toEqual([288, 288, 288]);
      }
      const wrong = { ...batchOf(1), labels: Int32Array.of(7, 7, 7, 7) };
      const failing = { microBatches: [batchOf(1), wrong], learningRate: 0.01, scalars };
      await expect(engine.step(failing)).rejects.toThrow(/label 7/);
      snapshots.push(await engine.snapshot());
    }
    expect(snapshots[1]).toEqual(snapshots[0]);
    expect(snapshots[2]).toEqual(snapshots[0]);
  });

  it("counts sign flips of binary weights against a plain count", async () => {
    const setup = setUp(tiny());
    const engine = await start(setup);
    const { start: from, end: to } = setup.plan.layout.segments.find(
      ({ role }) => role === "binary",
    )!;
    let signs = setup.values.slice(from, to).map((w) => (w > 0 ? 1 : 0));
    for (let step = 0; step < 3; step++) {
      const { flipRate } = await engine.step({
        ...{ microBatches: [batchOf(step)], learningRate: 3, scalars },
      });
      const now = (await engine.snapshot()).values.slice(from, to).map((w) => (w > 0 ? 1 : 0));
      const flips = now.filter((sign, i) => sign !== signs[i]).length;
      expect(flipRate).toBe(flips / now.length);
      signs = now;
    }
  });

  it("evaluates as the oracle does, without what fills up the last batch", async () => {
    const network = tiny();
    const setup = setUp(network);
    const engine = await start(setup);
    await engine.step({ microBatches: [batchOf(1)], learningRate: 0.1, scalars });
    const tensors = tensorsFrom(setup.plan, (await engine.snapshot()).values);
    const { images } = batchOf(9);
    const oracle = evaluate(
      tiny(3),
      { x: { shape: [3, 2, 6, 6], data: images.slice(0, 3 * 72) }, temperature: 0 },
      tensors,
    );
    const { logits } = await engine.evaluate({ images, count: 3, scalars: { temperature: 0 } });
    expect(logits.length).toBe(3 * CLASSES);
    logits.forEach((logit, i) => {
      expect(logit).toBeCloseTo(oracle.outputs.logits.data[i], 4);
    });
  });

  it("evaluates the running average of the weights where there is one", async () => {
    const setup = setUp(tiny(), { averageDecay: 0.5 });
    const engine = await start(setup);
    const before = setup.values.slice();
    await engine.step({ microBatches: [batchOf(1)], learningRate: 1, scalars });
    const { values, average } = await engine.snapshot();
    const { trained, length } = setup.plan.layout;
    for (let i = 0; i < trained; i++) {
      // The clamp of latent weights moves the start of the step, not the average: none clamps here.
      expect(average![i]).toBeCloseTo((before[i] + values[i]) / 2, 5);
    }
    for (let i = trained; i < length; i++) expect(average![i]).toBe(values[i]);
    const { images } = batchOf(5);
    const oracle = evaluate(
      tiny(),
      { x: { shape: [BATCH, 2, 6, 6], data: images }, temperature: 0 },
      tensorsFrom(setup.plan, average!),
    );
    const { logits } = await engine.evaluate({ images, count: 4, scalars: { temperature: 0 } });
    logits.forEach((logit, i) => {
      expect(logit).toBeCloseTo(oracle.outputs.logits.data[i], 4);
    });
  });

  it("restores a snapshot bit for bit", async () => {
    const setup = setUp(tiny(), {
      optimiser: { ...adamDefaults, kind: "adamw" },
      averageDecay: 0.9,
    });
    const step = (engine: Engine, seed: number) =>
      engine.step({ microBatches: [batchOf(seed)], learningRate: 0.01, scalars });
    const first = await start(setup);
    await step(first, 1);
    const saved = await first.snapshot();
    await step(first, 2);
    const second = await start({ ...setup, values: new Float32Array(setup.values.length) });
    await second.restore(saved);
    await step(second, 2);
    expect(await second.snapshot()).toEqual(await first.snapshot());
  });

  it("leaves weights and moments alone where the loss is not finite", async () => {
    const setup = setUp(tiny(), { optimiser: adamDefaults });
    const engine = await start(setup);
    const before = await engine.snapshot();
    const batch = batchOf(1);
    batch.images[0] = Number.NaN;
    const result = await engine.step({ microBatches: [batch], learningRate: 1, scalars });
    expect(result.finite).toBe(false);
    const after = await engine.snapshot();
    const { trained } = setup.plan.layout;
    expect(after.values.subarray(0, trained)).toEqual(before.values.subarray(0, trained));
    expect({ ...after, values: null }).toEqual({ ...before, values: null });
  });

  it("says what does not fit", async () => {
    const engine = await start(setUp(tiny()));
    const step = (batch: MicroBatch, given: { [name: string]: number } = scalars) =>
      engine.step({ microBatches: [batch], learningRate: 1, scalars: given });
    await expect(step({ ...batchOf(1), labels: Int32Array.of(0, 1, 2, 3) })).rejects.toThrow(
      /label 3 .* 3 classes/,
    );
    await expect(step(batchOf(1, [3, 2, 6, 6]))).rejects.toThrow(/batch of 216 values/);
    await expect(step(batchOf(1), {})).rejects.toThrow(/"temperature"/);
  });

  it("gives the same result in a worker thread", async () => {
    const setup = setUp(tiny());
    const here = await start({ ...setup, values: setup.values.slice() });
    const there = await startEngine(setup.plan, setup.values);
    engines.push(there);
    for (let i = 0; i < 2; i++) {
      const request = () => ({ microBatches: [batchOf(i)], learningRate: 0.1, scalars });
      expect(await there.step(request())).toEqual(await here.step(request()));
    }
    const images = () => batchOf(7).images;
    expect(await there.evaluate({ images: images(), count: 4, scalars })).toEqual(
      await here.evaluate({ images: images(), count: 4, scalars }),
    );
    const snapshot = await there.snapshot();
    expect(snapshot).toEqual(await here.snapshot());
    await there.restore(snapshot);
    const bad = { ...batchOf(1), labels: Int32Array.of(9, 9, 9, 9) };
    await expect(there.step({ microBatches: [bad], learningRate: 1, scalars })).rejects.toThrow(
      /label 9/,
    );
    await there.dispose();
    await expect(there.snapshot()).rejects.toThrow(/disposed/);
  });

  it.each([
    ["a nano BNext", undefined],
    ["one with quantised ends", "8-4-8"],
  ])("learns: %s fits 16 random images", async (_, quantised) => {
    const network = buildModel("bnext", {
      classes: CLASSES,
      input: [1, 8, 8],
      batch: 16,
      widths: [8, 8, 16],
      quantised,
    });
    const setup = setUp(network, { optimiser: { ...adamDefaults, kind: "adamw" }, clip: 5 });
    const engine = await start(setup);
    const shape = [16, 1, 8, 8];
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const temperature = step < 30 ? 1e-7 ** (step / 30) : 1e-8;
      const result = await engine.step({
        ...{ microBatches: [batchOf(3, shape)], learningRate: 0.01, scalars: { temperature } },
      });
      losses.push(result.loss);
    }
    expect(losses[0]).toBeGreaterThan(0.8);
    expect(losses.at(-1)).toBeLessThan(0.1);
  });
});

function tensorsFrom({ layout }: EnginePlan, values: Float32Array): { [key: string]: Tensor } {
  return Object.fromEntries(
    layout.segments.map(({ key, shape, start, end }) => [
      key,
      { shape, data: values.slice(start, end) },
    ]),
  );
}
