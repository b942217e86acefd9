import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "onebit";
import { buildModel, type ModelOptions } from "onebit/models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWebgpuSession, webgpuRuns } from "../../../core/src/test-support/webgpu.js";
import { openDataset } from "../data/index.js";
import { rng } from "../data/random.js";
import { createEngine } from "../engine/node.js";
import { compileEvaluation, compileTraining } from "../engine/plan.js";
import type { Engine, EnginePlan } from "../engine/types.js";
import { adamDefaults } from "../optimisers/index.js";
import { resolveRecipe } from "../recipes/index.js";
import { train } from "../run/train.js";
import { flatten, initialTensors, layoutOf } from "../state/index.js";
import { checkBackend } from "./node.js";
import { providerOf, type TrainingBackend } from "./providers.js";

const BATCH = 4;
const CLASSES = 3;
const STEPS = 20;
const runs = await webgpuRuns();

const networks: [string, Partial<ModelOptions>][] = [
  ["bnext", { widths: [8, 16] }],
  ["reactnet", { widths: [8, 16], stemStride: 1 }],
];

function planOn(backend: TrainingBackend, name: string, options: Partial<ModelOptions>) {
  const network = buildModel(name, {
    classes: CLASSES,
    input: [1, 8, 8],
    batch: BATCH,
    ...options,
  });
  const { target } = providerOf(backend);
  const graph = compileTraining(network, { target });
  const layout = layoutOf(network, new Set(graph.gradients), adamDefaults);
  const plan: EnginePlan = {
    ...{ layout, backend, threads: 1 },
    evaluation: compileEvaluation(network, BATCH, { target }),
    training: { graph, optimiser: adamDefaults, clip: null, averageDecay: null },
  };
  return { network, plan };
}

/** The same logits to 1e-4. */
async function compareEvaluations(
  engines: readonly Engine[],
  images: Float32Array,
  scalars: { readonly temperature: number },
): Promise<void> {
  const [wanted, got] = await Promise.all(
    engines.map((engine) =>
      engine.evaluate({ images: Float32Array.from(images), count: BATCH, scalars }),
    ),
  );
  wanted.logits.forEach((logit, i) => {
    expect(Math.abs(got.logits[i] - logit), `logit ${i}`).toBeLessThan(1e-4);
  });
}

describe.skipIf(!runs)("training on WebGPU", () => {
  it.each(networks)("%s leaves nothing to the CPU", async (name, options) => {
    const { plan } = planOn("webgpu", name, options);
    for (const { onnx } of [plan.training!.graph, plan.evaluation!]) {
      await (await createWebgpuSession(onnx)).release();
    }
  });

  it.each(networks)(
    `%s: ${STEPS} steps, each from the CPU's state, have its loss`,
    async (name, options) => {
      const { network, plan } = planOn("cpu", name, options);
      const values = flatten(plan.layout, initialTensors(network, 3));
      const cpu = await createEngine(plan, values.slice());
      const gpu = await createEngine(planOn("webgpu", name, options).plan, values.slice());
      try {
        const random = rng(4, "batch");
        for (let step = 0; step < STEPS; step++) {
          const images = Float32Array.from({ length: BATCH * 64 }, () => random.normal());
          const labels = Int32Array.from({ length: BATCH }, () => random.integer(CLASSES));
          const request = {
            microBatches: [{ images, labels }],
            learningRate: 1e-3,
            scalars: { temperature: step < STEPS / 2 ? 1 - step / 10 : 0 },
          };
          const before = await cpu.snapshot();
          await gpu.restore(before);
          if (step % 8 === 7) await compareEvaluations([cpu, gpu], images, request.scalars);
          const ours = await gpu.step(request);
          const theirs = await cpu.step(request);
          expect(Math.abs(ours.loss - theirs.loss), `loss, step ${step}`).toBeLessThan(1e-4);
          expect(Math.abs(ours.gradientNorm / theirs.gradientNorm - 1)).toBeLessThan(1e-3);
        }
      } finally {
        await cpu.dispose();
        await gpu.dispose();
      }
    },
    300_000,
  );
});

describe.skipIf(!runs)("a run of the CPU", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-backend-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("goes on on WebGPU, as it would have but for rounding, and says so", async () => {
    const data = await openDataset("glyphs", { trainImages: 24, testImages: 12 });
    const recipe = resolveRecipe("plain", {
      ...{ model: "linear", form: "real", epochs: 2, batch: 12, microBatch: 12 },
    });
    const how = { data, threads: 1 };
    const whole = await train(recipe, { ...how, out: join(folder, "whole") });
    const out = join(folder, "halves");
    const stop = new AbortController();
    const first = train(recipe, {
      ...{ ...how, out, signal: stop.signal },
      onEvent: (event) => {
        if (event.event === "epoch") stop.abort();
      },
    });
    await expect(first).rejects.toThrow(/stopped/);
    const said: string[] = [];
    const halves = await train(recipe, {
      ...{ ...how, out, resume: true, backend: "webgpu" },
      onEvent: (event) => {
        if (event.event === "warning") said.push(event.message);
      },
    });
    expect(said).toContain(
      "the run used 1 thread before, now webgpu: it will not be bit for bit what it would have been",
    );
    expect(halves.history[0].train).toEqual(whole.history[0].train);
    expect(halves.history[1].train.loss).toBeCloseTo(whole.history[1].train.loss, 4);
  }, 120_000);
});

it("refuses what is no backend", async () => {
  await expect(checkBackend("gpu" as never)).rejects.toThrow(
    new UsageError(
      'unknown training backend "gpu": did you mean "cpu"? There are cpu, webgpu, cuda',
    ),
  );
});
