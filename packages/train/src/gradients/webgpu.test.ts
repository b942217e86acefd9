import { evaluate, type Graph } from "onebit/graph";
import { buildModel, type ModelOptions } from "onebit/models";
import { toOnnx, usedTensors } from "onebit/onnx";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../../core/src/test-support/close.js";
import { drawTensor, randomStream } from "../../../core/src/test-support/draw.js";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import {
  createWebgpuSession,
  runWebgpu,
  webgpuRuns,
} from "../../../core/src/test-support/webgpu.js";
import { trainingGraph } from "../engine/plan.js";
import { watchGraph } from "../watch/watch-graph.js";
import { watchedLayers } from "../watch/watched-layers.js";

const runs = await webgpuRuns();

/** One network of every family and form, forward and backward. */
const networks: readonly [string, Partial<ModelOptions>][] = [
  ["bnext-nano", { input: [3, 32, 32] }],
  ["bnext-nano", { input: [3, 32, 32], form: "step1" }],
  ["bnext-nano", { input: [3, 32, 32], form: "real" }],
  ["bnext-t", { input: [3, 64, 64] }],
  ["bnext-18", { input: [3, 32, 32] }],
  ["reactnet-nano", { input: [3, 32, 32] }],
  ["reactnet-a", { input: [3, 64, 64] }],
  ["reactnet-18", { input: [3, 64, 64] }],
];

function trainingOnnx(graph: Graph): Uint8Array {
  return toOnnx(graph, { target: "webgpu", mode: "training" });
}

describe.skipIf(!runs)("on WebGPU, nothing left to the CPU:", () => {
  it.each(networks)("forward and backward of %s %j", async (name, options) => {
    const network = buildModel(name, { classes: 10, batch: 2, ...options });
    const session = await createWebgpuSession(trainingOnnx(trainingGraph(network)));
    await session.release();
  });

  it.each(["bnext", "reactnet"])("what is seen of the signs of a %s", async (name) => {
    const options = { classes: 3, batch: 2, widths: [4, 8], input: [1, 8, 8] } as const;
    const network = buildModel(name, options);
    const signs = watchedLayers(network).flatMap(({ signs }) => signs);
    const graph = watchGraph(network, [...new Set(signs)]);
    const tensors = randomWeights(graph, 3);
    const feeds = {
      x: drawTensor([2, 1, 8, 8], { low: -2, high: 2 }, randomStream(5)),
      ...(name === "bnext" && { temperature: { shape: [], data: Float32Array.of(0.5) } }),
    };
    const session = await createWebgpuSession(trainingOnnx(graph));
    const used = Object.fromEntries(usedTensors(graph).map((key) => [key, tensors[key]]));
    const actual = await runWebgpu(session, { ...feeds, ...used });
    await session.release();
    const { outputs } = evaluate(graph, feeds, tensors, { mode: "training" });
    expect(Object.keys(outputs).length).toBeGreaterThan(5);
    for (const [name, { data }] of Object.entries(outputs)) {
      expectClose(actual[name], data, 1e-5, name);
    }
  });

  it("loss and gradients are those of the evaluation", async () => {
    const options = {
      classes: 3,
      batch: 2,
      widths: [4, 8],
      input: [1, 8, 8],
      seReduction: 4,
    } as const;
    const graph = trainingGraph(buildModel("bnext", { ...options, form: "real" }));
    const tensors = randomWeights(graph, 3);
    const x = drawTensor([2, 1, 8, 8], { low: -1, high: 1 }, randomStream(5));
    const target = { shape: [2, 3], data: Float32Array.of(0, 1, 0, 0.2, 0.3, 0.5) };
    const session = await createWebgpuSession(trainingOnnx(graph));
    const actual = await runWebgpu(session, { x, target, ...tensors });
    await session.release();
    const { outputs } = evaluate(graph, { x, target }, tensors, { mode: "training" });
    const gradients = Object.keys(outputs).filter((name) => name.startsWith("grad:"));
    expect(gradients.length).toBeGreaterThan(15);
    expectClose(actual.loss, outputs.loss.data, 1e-5, "loss");
    for (const name of gradients) {
      // Sums that cancel (a shift before a batch-norm) are rounding errors on both sides.
      outputs[name].data.forEach((expected, i) => {
        const error = Math.abs(actual[name][i] - expected);
        expect(error, `${name}[${i}]`).toBeLessThan(1e-3 * Math.abs(expected) + 1e-6);
      });
    }
  });
});
