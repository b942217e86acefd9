import { fileURLToPath } from "node:url";
import { buildModel } from "onebit/models";
import * as onnxRuntimeWeb from "onnxruntime-web";
import { rolldown } from "rolldown";
import { expect, it } from "vitest";
import { rng } from "../data/random.js";
import { createCore } from "../engine/core.js";
import { compileEvaluation, compileTraining } from "../engine/plan.js";
import type { EnginePlan } from "../engine/types.js";
import { adamDefaults, type OptimiserConfig } from "../optimisers/index.js";
import { flatten, initialTensors, layoutOf } from "../state/index.js";
import { nodeRuntime } from "./node.js";
import type { TrainingRuntime } from "./types.js";
import { webRuntime } from "./web.js";

const BATCH = 4;
const CLASSES = 3;
const sgd: OptimiserConfig = { ...adamDefaults, kind: "sgd", momentum: 0 };
const temperature = 0.3;

/** A step of gradient descent at rate 1, then an evaluation: of the loss, the gradients and the logits. */
async function stepOn(runtime: TrainingRuntime) {
  const network = buildModel("bnext", {
    ...{ classes: CLASSES, input: [1, 8, 8], batch: BATCH, widths: [8, 8, 16] },
  });
  const { target } = runtime;
  const graph = compileTraining(network, { target });
  const layout = layoutOf(network, new Set(graph.gradients), sgd);
  const plan: EnginePlan = {
    ...{ layout, threads: 1, evaluation: compileEvaluation(network, BATCH, { target }) },
    training: { graph, optimiser: sgd, clip: null, averageDecay: null },
  };
  const before = flatten(layout, initialTensors(network, 3));
  const random = rng(4, "batch");
  const images = () => Float32Array.from({ length: BATCH * 64 }, () => random.normal());
  const engine = await createCore(plan, before.slice(), { runtime });
  try {
    const microBatches = [{ images: images(), labels: Int32Array.of(0, 1, 2, 1) }];
    const request = { microBatches, learningRate: 1, scalars: { temperature } };
    const { loss, gradientNorm } = await engine.step(request);
    const { values } = await engine.snapshot();
    const moved = values.map((value, i) => value - before[i]);
    const { logits } = await engine.evaluate({
      ...{ images: images(), count: BATCH, scalars: { temperature } },
    });
    return { loss, gradientNorm, moved, logits };
  } finally {
    await engine.dispose();
  }
}

it("takes in onnxruntime-web the step that it takes in Node", async () => {
  onnxRuntimeWeb.env.wasm.numThreads = 1;
  const node = await stepOn(await nodeRuntime());
  const web = await stepOn(webRuntime(onnxRuntimeWeb));
  expect(node.gradientNorm).toBeGreaterThan(0.1);
  expect(Math.abs(web.loss - node.loss)).toBeLessThan(1e-5 * node.loss);
  expect(Math.abs(web.gradientNorm / node.gradientNorm - 1)).toBeLessThan(1e-5);
  for (const what of ["moved", "logits"] as const) {
    const largest = node[what].reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const errors = node[what].map((value, i) => Math.abs(web[what][i] - value));
    expect(Math.max(...errors), what).toBeLessThan(1e-5 * largest);
  }
});

it("tells an ONNX Runtime that cannot start from one that refuses a graph", async () => {
  const failing = (message: string) => {
    const create = () => Promise.reject(new Error(message));
    const ort = { ...onnxRuntimeWeb, InferenceSession: { create } };
    return webRuntime(ort as never).createSession(new Uint8Array(), 1);
  };
  const nothing = "no available backend found. ERR: [wasm] RuntimeError: Aborted(404)";
  await expect(failing(nothing)).rejects.toThrow(/cannot start; are its .wasm files served .*404/);
  await expect(failing("no kernel")).rejects.toThrow(/refuses the graph: no kernel/);
});

it("has an engine that runs in a page: nothing of Node, and no package that a page lacks", async () => {
  const built = (path: string) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
  const bundle = await rolldown({
    input: [built("engine/core.js"), built("runtime/web.js")],
    platform: "browser",
    // A browser never asks for what is behind onebit's Node check.
    external: [/^node:/, /\/platform\/node/, /^onnxruntime/, /^@onebit/],
  });
  const { output } = await bundle.generate({ format: "esm" });
  const imports = output.flatMap((file) => (file.type === "chunk" ? file.imports : []));
  const foreign = imports.filter((path) => !output.some(({ fileName }) => fileName === path));
  expect(foreign).toEqual([]);
});
