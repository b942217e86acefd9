import { describe, expect, it } from "vitest";
import { evaluate } from "../graph/evaluate.js";
import type { Graph, Mode } from "../graph/types.js";
import { buildModel } from "../models/build-model.js";
import { models } from "../models/index.js";
import { ops } from "../ops/index.js";
import { expectClose } from "../test-support/close.js";
import { drawTensor, randomStream } from "../test-support/draw.js";
import { forwardGraph, gradientGraph, type OpUnderTest } from "../test-support/op-graphs.js";
import { type OpSample, opSamples } from "../test-support/op-samples.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { createWebgpuSession, oneNode, runWebgpu, webgpuRuns } from "../test-support/webgpu.js";
import { toOnnx } from "./to-onnx.js";

/** Whose values are compared too (software WebGPU is slow): what is lowered to several nodes. */
const COMPARED = new Set([
  "batch-norm",
  "binarize-weight",
  "conv-weight-gradient",
  "log-softmax",
  "quantise",
  "sign",
]);

const runs = await webgpuRuns();

async function expectOnWebgpu(graph: Graph, mode: Mode, feeds?: Parameters<typeof runWebgpu>[1]) {
  const session = await createWebgpuSession(toOnnx(graph, { target: "webgpu", mode }));
  try {
    if (!feeds) return;
    const actual = await runWebgpu(session, feeds);
    const expected = evaluate(graph, feeds as never, {}, { mode }).outputs;
    for (const [name, { data }] of Object.entries(expected)) {
      expectClose(actual[name], data, 2e-5, `${graph.name}: ${name}`);
    }
  } finally {
    await session.release();
  }
}

function feedsOf(graph: Graph, low: number) {
  const random = randomStream(7);
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, drawTensor(shape, { low, high: 2 }, random)]),
  );
}

describe("samples of ops", () => {
  it("are there for every op", () => {
    expect(Object.keys(opSamples).sort()).toEqual(Object.keys(ops).sort());
  });
});

describe.skipIf(!runs)("on WebGPU, nothing left to the CPU:", () => {
  it("a node without a kernel is refused", async () => {
    await expect(createWebgpuSession(oneNode("Round"))).rejects.toThrow(/CPU/);
  });

  it.each(Object.entries(opSamples))("%s", async (op, samples) => {
    for (const { wanted = [], low = -2, mode = "inference", ...rest } of samples as OpSample[]) {
      const test: OpUnderTest = { op, mode, ...rest };
      const { graph } = forwardGraph(test);
      const feeds = COMPARED.has(op) ? feedsOf(graph, low) : undefined;
      await expectOnWebgpu(graph, mode, feeds);
      if (wanted.length) await expectOnWebgpu(gradientGraph(test, wanted), mode);
    }
  });

  it.each(Object.keys(models))("inference of %s", async (name) => {
    const widths = name === "bnext" || name === "reactnet" ? { widths: [16, 32, 64, 64] } : {};
    const graph = buildModel(name, { classes: 10, ...widths });
    await expectOnWebgpu(graph, "inference");
  });

  it("logits of a whole network", async () => {
    const graph = buildModel("reactnet-nano", { classes: 4, input: [3, 16, 16] });
    const weights = randomWeights(graph, 3);
    const x = randomImages([1, 3, 16, 16], 5);
    const onnx = toOnnx(graph, { target: "webgpu", tensors: weights, dynamicBatch: false });
    const session = await createWebgpuSession(onnx);
    const { logits } = await runWebgpu(session, { x });
    await session.release();
    expectClose(logits, evaluate(graph, { x }, weights).outputs.logits.data, 1e-5, "logits");
  });
});
