import { openOnnxSession, withOutputs } from "@onebit/convert";
import { OnebitError } from "onebit";
import type { Graph, Tensor } from "onebit/graph";
import { type FloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { int8Values, type Ranges, type ToOnnxOptions, toOnnx } from "onebit/onnx";
import { batches, type Dataset } from "../data/index.js";
import { sample } from "../data/open-split.js";
import { rangeOf } from "../drawing/scale.js";

/** Training images that ranges are taken from, where there are as many. */
export const INT8_IMAGES = 500;

/**
 * A float network as an ONNX model in 8 bits ("QDQ": see toOnnx), its ranges those of training images, chosen by
 * seed 0. OnebitError for one whose weights or maps are 1-bit.
 */
export async function int8Onnx(
  path: string,
  model: FloatModel,
  dataset: Dataset,
  options: ToOnnxOptions = {},
): Promise<Uint8Array> {
  const graph = floatModelGraph(model);
  const { tensors, preprocess } = model;
  const train = sample(dataset.train, Math.min(INT8_IMAGES, dataset.train.length), 0, "train");
  const order = { shuffle: false, dropLast: false };
  const stream = batches({ ...dataset, train }, { split: "train", batch: 1, preprocess, ...order });
  async function* images() {
    for await (const batch of stream) {
      yield batch.images;
      stream.recycle(batch);
    }
  }
  const scalars = scalarInputs(graph, tensors);
  return int8Of(path, graph, tensors, images(), { ...options, scalars });
}

/** The same of a graph, with images [1, C, H, W] of whatever kind. */
export async function int8Of(
  name: string,
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  images: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  options: Omit<ToOnnxOptions, "tensors" | "int8"> = {},
): Promise<Uint8Array> {
  if (graph.nodes.some(({ op }) => op === "sign" || op === "binarize-weight")) {
    throw new OnebitError(`${name}: has 1-bit parts already: 8 bits are for float networks`);
  }
  const whole = { ...options, tensors };
  const ranges = await rangesOf(name, graph, images, whole);
  return toOnnx(graph, { ...whole, int8: ranges });
}

async function rangesOf(
  name: string,
  graph: Graph,
  images: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  options: ToOnnxOptions,
): Promise<Ranges> {
  const { name: input, shape } = graph.inputs.find((input) => input.shape.length > 0)!;
  const values = int8Values(graph, options);
  const inside = values.filter((value) => value !== input);
  const session = await openOnnxSession(name, withOutputs(toOnnx(graph, options), inside), 1);
  const ranges: { [value: string]: [number, number] } = {};
  const see = (value: string, data: Float32Array) => {
    const [low, high] = rangeOf(data);
    const [lowest, highest] = ranges[value] ?? [low, high];
    ranges[value] = [Math.min(low, lowest), Math.max(high, highest)];
  };
  try {
    for await (const data of images) {
      see(input, data);
      const found = await session.run({ [input]: { type: "float32", shape, data } }, inside);
      for (const value of inside) see(value, found[value].data);
    }
  } finally {
    await session.dispose();
  }
  return ranges;
}
