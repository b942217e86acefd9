import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import type { OnnxGraph } from "../../readers/onnx/graph.js";
import { printable } from "../../readers/text.js";
import { assumedImages, storedImages } from "../described/images.js";
import { bytesOf } from "../described/network.js";
import type { FoundNetwork, Importer, NetworkOptions, StoredNetwork } from "../importer.js";
import { OnnxTranslation } from "./network.js";

/**
 * Binary networks in ONNX, of PyTorch modules of one's own, Brevitas and FINN (QONNX): signs and binary weights are
 * found by what the nodes compute. docs/from-pytorch.md.
 */
export const onnx: Importer = {
  family: "onnx",
  recognises: ({ format }) => format === "onnx",
  takes: [],
  network: findNetwork,
};

async function findNetwork(
  { description, tensors }: StoredNetwork,
  options: NetworkOptions,
): Promise<FoundNetwork> {
  if (description?.kind !== "onnx") throw new OnebitError("not an ONNX model");
  const { graph } = description;
  const translation = new OnnxTranslation(graph, bytesOf(tensors));
  const { name, shape } = imageOf(graph, options);
  const scores = translation.translate(name, shape, outputOf(graph));
  const { net } = translation;
  const built = net.classifier(scores, "the network");
  if (!net.isBinary) {
    throw new OnebitError(
      "no convolution or product of it has both signs as its input and binary weights: onebit packs 1-bit networks; ONNX Runtime runs this file as it is",
    );
  }
  const [, channels, height, width] = shape;
  const others = graph.outputs.filter((output) => output !== outputOf(graph));
  const left = others.map((output) => `its output ${printable(output)} is left out`);
  const images = storedImages(graph.metadata) ?? assumedImages([channels, height, width], options);
  return {
    ...{ architecture: { graph: built }, tensors: net.tensors, form: "binary" },
    ...images,
    notes: [...net.notes, ...left, ...images.notes],
  };
}

function imageOf({ inputs }: OnnxGraph, { input: told, preprocess }: NetworkOptions) {
  const [image] = inputs;
  if (inputs.length !== 1) {
    throw new OnebitError(
      `the network has ${counted(inputs.length, "input")}; an image classifier has one`,
    );
  }
  const sizes = told ?? [undefined, ...(preprocess?.size ?? [])];
  const [, ...size] = image.shape;
  const shape = [1, ...size.map((dim, i) => dim ?? sizes[i])];
  const known = shape.every(
    (dim) => typeof dim === "number" && Number.isSafeInteger(dim) && dim > 0,
  );
  if (image.shape.length === 4 && known) return { name: image.name, shape: shape as number[] };
  throw new OnebitError(
    `its input ${printable(image.name)} is [${image.shape.map((dim) => dim ?? "?").join(", ")}]; an image is wanted, [N, channels, height, width]; what is open, --input 3x224x224 says`,
  );
}

/** "logits", or the only one. */
function outputOf({ outputs }: OnnxGraph): string {
  const named = outputs.find((name) => name === "logits");
  if (named) return named;
  if (outputs.length === 1) return outputs[0];
  throw new OnebitError(
    `the network has ${counted(outputs.length, "output")}; a classifier has one, or one called logits`,
  );
}
