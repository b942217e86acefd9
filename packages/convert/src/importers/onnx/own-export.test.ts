import { buildModel, floatModelGraph } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { pack } from "onebit/pack";
import type { ProgramTensor } from "onebit/program";
import { expect, it } from "vitest";
import { runValues } from "../../../../core/src/runtime/backends/reference/program.js";
import { randomImages, randomWeights } from "../../../../core/src/test-support/random-weights.js";
import { smallNetworks } from "../../../../core/src/test-support/small-networks.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";

type Packed = ReturnType<typeof pack>;

function logitsOf({ program, tensors }: Packed, image: Float32Array) {
  return Float32Array.from(runValues(program, tensors, image)[program.outputs.logits]);
}

/** The 1-bit weights in the order of the steps. */
function bitsOf({ program, tensors }: Packed): Uint8Array[] {
  const convs = program.steps.filter(({ kind }) => kind === "binary-conv");
  return convs
    .map((step) => tensors["weight" in step ? step.weight : ""] as ProgramTensor & { type: "bits" })
    .map(({ data }) => data);
}

/** Those whose ops are ONNX's own: mixes of BNext and scales of XNOR-Net's centred weights are rounded elsewhere. */
const exact = [
  "reactnet-b",
  "reactnet-c",
  "xnor-nin",
  "binary-densenet",
  "meliusnet-a",
  "quicknet",
  "binarynet-vgg",
];
const close = ["bnext of odd widths", "xnor-alexnet"];
const networks = smallNetworks.filter(([label]) => [...exact, ...close].includes(label));

it.each(networks)("%s comes back from its own ONNX, packed", async (label, name, options) => {
  const graph = buildModel(name, options);
  const tensors = randomWeights(graph, 11);
  const before = pack(graph, tensors, { temperature: 0 });
  // Folded, batch-norms are in real weights: as exact as they can be rounded.
  for (const fold of [true, false]) {
    const bytes = toOnnx(graph, { tensors, fold, scalars: { temperature: 0 } });
    const { model } = await importCheckpoint(memoryBuffer(bytes, "net.onnx"));
    const after = pack(floatModelGraph(model), model.tensors);
    expect(bitsOf(after)).toEqual(bitsOf(before));
    const [, c, h, w] = graph.inputs[0].shape;
    const image = randomImages([1, h, w, c], 5).data as Float32Array;
    const [a, b] = [logitsOf(before, image), logitsOf(after, image)];
    if (!fold && exact.includes(label)) expect(b).toEqual(a);
    const largest = Math.max(...a.map(Math.abs));
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]))) / largest).toBeLessThan(1e-4);
  }
});
