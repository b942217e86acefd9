import { writeFile } from "node:fs/promises";
import { writeOnebit } from "onebit/file";
import { type Graph, globalAveragePool, linear, network, sizeOf, type Tensor } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import {
  encodeFloatModel,
  type FloatModel,
  floatModelGraph,
  type ModelOptions,
} from "onebit/models";
import { pack } from "onebit/pack";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";

/** Stretches to the network's size; (value / 255 - 0.5) / 0.5. */
export function plainPreprocess([channels, ...size]: readonly number[]): Preprocess {
  const all = (value: number) => new Array<number>(channels).fill(value);
  const [height, width] = size;
  return {
    ...{ size: [height, width], resize: [height, width], crop: "none", interpolation: "bilinear" },
    ...{ channels: channels as 1 | 3, mean: all(0.5), std: all(0.5) },
  };
}

type Tensors = { readonly [key: string]: Tensor };

/** A network in memory, with the tensors that are given, else random ones. */
export function floatModel(
  name: string,
  options: Partial<ModelOptions>,
  tensors?: (graph: Graph) => Tensors,
): FloatModel {
  const architecture = { name, options };
  const graph = floatModelGraph({ architecture });
  const { classes } = { classes: 10, ...options };
  return {
    architecture,
    tensors: tensors ? tensors(graph) : randomWeights(graph, 3),
    labels: Array.from({ length: classes }, (_, i) => `class ${i}`),
    preprocess: plainPreprocess(graph.inputs[0].shape.slice(1)),
    card: { about: "made by a test" },
  };
}

/** A BNext of one block that takes 8x8 grey images, or what is asked for. */
export function tinyBnext(options: Partial<ModelOptions> = {}): FloatModel {
  return floatModel("bnext", { widths: [8, 8], classes: 4, input: [1, 8, 8], ...options });
}

/** Logistic regression with the weight that `weight` gives for class k and input element i. */
export function linearNetwork(
  options: Pick<ModelOptions, "classes" | "input">,
  labels: readonly string[],
  weight: (k: number, i: number) => number,
): FloatModel {
  const model = floatModel("linear", options, (graph) =>
    Object.fromEntries(
      Object.entries(graph.tensors).map(([key, { shape }]) => {
        const data = new Float32Array(sizeOf(shape));
        if (shape.length === 2)
          data.forEach((_, at) => {
            data[at] = weight(Math.floor(at / shape[1]), at % shape[1]);
          });
        return [key, { shape, data }];
      }),
    ),
  );
  return { ...model, labels };
}

export async function writeFloatModel(path: string, model: FloatModel): Promise<string> {
  await writeFile(path, encodeFloatModel(model));
  return path;
}

/**
 * The bytes of a packed classifier of 8x8 pictures in colour that knows nothing, and whose features are the means
 * of the three channels, from -1 to 1.
 */
export function meansNetwork(labels: readonly string[]): Promise<Uint8Array> {
  const graph = network("means", [1, 3, 8, 8], (b, x) => {
    const features = globalAveragePool(b, "mean", x);
    b.output("features", features);
    return linear(b, "fc", features, labels.length);
  });
  const tensors = Object.entries(graph.tensors).map(([key, { shape }]) => {
    return [key, { shape, data: new Float32Array(sizeOf(shape)) }] as const;
  });
  const preprocess = plainPreprocess([3, 8, 8]);
  return writeOnebit({ ...pack(graph, Object.fromEntries(tensors)), labels, preprocess });
}
