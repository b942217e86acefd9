import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildModel } from "../models/build-model.js";
import {
  expectRuleA,
  goldenNetworks,
  goldenTemperature,
  imagesOf,
} from "../test-support/golden-networks.js";
import { readNpy } from "../test-support/npy.js";
import { readOnnx } from "../test-support/read-onnx.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { shared } from "../test-support/shared.js";
import { readTorchZip } from "../test-support/torch-zip.js";
import { webgpuKernels } from "../test-support/webgpu-kernels.js";
import { type OnnxTarget, toOnnx } from "./index.js";

/** How many 1-bit weights each has. */
const binaryCounts: { readonly [network: string]: number } = {
  "bnext-narrow-c10": 17,
  "bnext18-narrow-c10": 16,
  "reactnet-a-narrow": 13,
  "reactnet-18-narrow": 16,
};

const targets: readonly OnnxTarget[] = ["portable", "cpu", "webgpu"];

describe.each(goldenNetworks)("$name, exported with its weights", ({ name, model, options }) => {
  const folder = shared(`goldens/${name}`);
  if (!folder) return it("skipped: no goldens", () => {});
  const tensors = readTorchZip(join(folder, "state_dict.pth"));
  const x = readNpy(join(folder, "input.npy"));
  const reference = readNpy(join(folder, "logits-f64.npy"));
  const graph = buildModel(model, options);
  const scalars: { [name: string]: number } = graph.inputs.some(
    (input) => input.name === "temperature",
  )
    ? { temperature: goldenTemperature }
    : {};
  const exported = targets.map((target) => ({
    target,
    onnx: toOnnx(graph, { target, tensors, scalars }),
  }));

  it.each(exported)(
    "$target: ONNX Runtime gives the official logits (rule A)",
    async ({ onnx }) => {
      for (const images of [1, 3, 4]) {
        const { logits } = await runOnnx(onnx, { x: imagesOf(x, 0, images) });
        expectRuleA(logits, imagesOf(reference, 0, images));
      }
    },
  );

  it.each(exported)("$target: without folding too", async ({ target }) => {
    const onnx = toOnnx(graph, { target, tensors, scalars, fold: false, dynamicBatch: false });
    const { logits } = await runOnnx(onnx, { x: imagesOf(x, 0) });
    expectRuleA(logits, imagesOf(reference, 0));
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
      expect(signs.length).toBe(binaryCounts[name]);
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
