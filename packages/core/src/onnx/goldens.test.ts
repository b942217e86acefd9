import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Tensor } from "../graph/types.js";
import { buildModel } from "../models/build-model.js";
import type { ModelOptions } from "../models/options.js";
import { readNpy } from "../test-support/npy.js";
import { readOnnx } from "../test-support/read-onnx.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { shared } from "../test-support/shared.js";
import { readTorchZip } from "../test-support/torch-zip.js";
import { webgpuKernels } from "../test-support/webgpu-kernels.js";
import { type OnnxTarget, toOnnx } from "./index.js";

const bundles: { name: string; model: string; options: ModelOptions; binary: number }[] = [
  {
    name: "bnext-narrow-c10",
    model: "bnext",
    options: { widths: [8, 16, 32, 32, 32, 64, 64, 64], classes: 10, input: [3, 32, 32] },
    binary: 17,
  },
  {
    name: "bnext18-narrow-c10",
    model: "bnext-18",
    options: { width: 8, classes: 10, input: [3, 32, 32] },
    binary: 16,
  },
  {
    name: "reactnet-a-narrow",
    model: "reactnet",
    options: { widths: [8, 16, 32, 32, 64, 64], classes: 100, input: [3, 64, 64] },
    binary: 13,
  },
  {
    name: "reactnet-18-narrow",
    model: "reactnet-18",
    options: { width: 8, classes: 100, input: [3, 64, 64] },
    binary: 16,
  },
];

/** What 512 epochs leave of the temperature. */
const temperature = 0.9 ** 511;
const targets: readonly OnnxTarget[] = ["portable", "cpu", "webgpu"];

/** Rule A: max|logit - reference| <= 2e-5 max|reference| and the same top-1, image by image. */
function expectRuleA(logits: Tensor, reference: Tensor): void {
  const [images, classes] = reference.shape;
  expect(logits.shape).toEqual(reference.shape);
  for (let n = 0; n < images; n++) {
    const [actual, wanted] = [logits, reference].map(({ data }) =>
      Array.from(data.subarray(n * classes, (n + 1) * classes)),
    );
    const largest = Math.max(...wanted.map(Math.abs));
    const error = Math.max(...actual.map((value, c) => Math.abs(value - wanted[c])));
    expect(error / largest).toBeLessThanOrEqual(2e-5);
    expect(actual.indexOf(Math.max(...actual))).toBe(wanted.indexOf(Math.max(...wanted)));
  }
}

function firstImages({ shape, data }: Tensor, count: number): Tensor {
  const size = data.length / shape[0];
  return { shape: [count, ...shape.slice(1)], data: data.slice(0, count * size) };
}

describe.each(bundles)("$name, exported with its weights", ({ name, model, options, binary }) => {
  const folder = shared(`goldens/${name}`);
  if (!folder) return it("skipped: no goldens", () => {});
  const tensors = readTorchZip(join(folder, "state_dict.pth"));
  const x = readNpy(join(folder, "input.npy"));
  const reference = readNpy(join(folder, "logits-f64.npy"));
  const graph = buildModel(model, options);
  const scalars: { [name: string]: number } = graph.inputs.some(
    (input) => input.name === "temperature",
  )
    ? { temperature }
    : {};
  const exported = targets.map((target) => ({
    target,
    onnx: toOnnx(graph, { target, tensors, scalars }),
  }));

  it.each(exported)(
    "$target: ONNX Runtime gives the official logits (rule A)",
    async ({ onnx }) => {
      for (const images of [1, 3, 4]) {
        const { logits } = await runOnnx(onnx, { x: firstImages(x, images) });
        expectRuleA(logits, firstImages(reference, images));
      }
    },
  );

  it.each(exported)("$target: without folding too", async ({ target }) => {
    const onnx = toOnnx(graph, { target, tensors, scalars, fold: false, dynamicBatch: false });
    const { logits } = await runOnnx(onnx, { x: firstImages(x, 1) });
    expectRuleA(logits, firstImages(reference, 1));
  });

  it("uses only ops that WebGPU has kernels for, for that target", () => {
    const { nodes } = readOnnx(exported.find(({ target }) => target === "webgpu")!.onnx);
    const missing = nodes.map(({ opType }) => opType).filter((type) => !webgpuKernels.has(type));
    expect(missing).toEqual([]);
  });

  it.each(exported)(
    "$target: holds every 1-bit weight as -1 and +1, and nothing unused",
    ({ onnx }) => {
      const { nodes, initializers, inputs, outputs } = readOnnx(onnx);
      const weights = nodes
        .filter(({ opType }) => opType === "Conv")
        .map(({ inputs }) => inputs[1]);
      const signs = weights.filter((weight) =>
        initializers.get(weight)!.floats.every((w) => w === 1 || w === -1),
      );
      expect(signs.length).toBe(binary);
      const read = new Set(nodes.flatMap((node) => node.inputs));
      expect([...initializers.keys()].filter((key) => !read.has(key))).toEqual([]);
      const latent = Object.entries(graph.tensors).filter(([, { role }]) => role === "binary");
      for (const [key] of latent) {
        const kept = initializers.get(key)?.floats.every((w) => w === 1 || w === -1);
        expect(kept ?? true, key).toBe(true);
      }
      expect(Object.keys(inputs)).toEqual(["x"]);
      expect(inputs.x).toEqual(["N", ...options.input]);
      for (const shape of Object.values(outputs)) expect(shape[0]).toBe("N");
    },
  );

  it("leaves no batch-norm behind a real convolution and no reshape of weights", () => {
    const { nodes, initializers } = readOnnx(exported[0].onnx);
    const producer = new Map(nodes.flatMap((node) => node.outputs.map((value) => [value, node])));
    for (const { opType, inputs } of nodes) {
      if (opType === "Reshape") expect(initializers.has(inputs[0])).toBe(false);
      const conv = producer.get(inputs[0]);
      if (opType !== "BatchNormalization" || conv?.opType !== "Conv") continue;
      expect(initializers.get(conv.inputs[1])!.floats.every((w) => Math.abs(w) === 1)).toBe(true);
    }
  });
});
