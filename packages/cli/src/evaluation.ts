import { evaluateFloat, Scoreboard } from "@onebit/train";
import { batches, type Dataset, preprocessFor } from "@onebit/train/data";
import { OnebitError } from "onebit";
import type { Preprocess } from "onebit/image";
import { type FloatModel, floatModelGraph } from "onebit/models";
import type { Classifier } from "./classifier.js";

/** What `onebit eval --json` prints, and the picture of the errors. */
export interface EvaluationResult {
  readonly images: number;
  readonly top1: number;
  readonly top5: number;
  readonly loss: number;
  /** From the first image read to the last result: reading and preparing images included. */
  readonly imagesPerSecond: number;
  readonly backend: string;
  readonly threads: number;
  readonly classes: readonly string[];
  /** counts[truth][prediction]. */
  readonly confusion: readonly (readonly number[])[];
  readonly predictions: Int32Array;
}

export interface EvaluationOptions {
  readonly threads: number;
  readonly onProgress?: (images: number, of: number) => void;
}

/** What evaluation needs of a network; onebit's own Model has it too. */
export type Evaluated = Pick<Classifier, "info" | "backend" | "run"> & {
  readonly threads?: number;
};

/** The float network in ONNX Runtime: with signs, but every bit a float32. */
export async function evaluateFloatModel(
  model: FloatModel,
  dataset: Dataset,
  { threads, onProgress }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { preprocess } = model;
  const options = { threads, preprocess, onProgress };
  const result = await evaluateFloat(floatModelGraph(model), model.tensors, dataset, options);
  return { ...result, classes: dataset.classes, backend: "onnxruntime", threads };
}

/** A packed network on the backend that it was loaded with, or one in ONNX. */
export async function evaluateClassifier(
  model: Evaluated,
  dataset: Dataset,
  { onProgress }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { classes, preprocess = defaultPreprocess(model, dataset) } = model.info;
  const { numbers, names } = matchClasses(model.info, dataset);
  const stream = batches(dataset, { split: "test", batch: 64, preprocess });
  const board = new Scoreboard(classes);
  const predictions = new Int32Array(stream.items);
  const { channels, size } = preprocess;
  const started = performance.now();
  let done = 0;
  for await (const batch of stream) {
    const { images, labels: truth, count, indices } = batch;
    const length = count * channels * size[0] * size[1];
    const data = images.subarray(0, length);
    const { logits } = await model.run({ shape: [count, channels, ...size], data });
    const expected = numbers ? truth.map((label) => numbers[label]) : truth;
    board.add(logits.data, expected.subarray(0, count)).forEach((prediction, i) => {
      predictions[indices[i]] = prediction;
    });
    stream.recycle(batch);
    done += count;
    onProgress?.(done, stream.items);
  }
  const { confusion } = board;
  return {
    ...board.accuracy(),
    imagesPerSecond: (1000 * done) / (performance.now() - started),
    backend: model.backend,
    threads: model.threads ?? 1,
    classes: names,
    confusion: names.map((_, truth) =>
      Array.from(confusion.subarray(truth * classes, (truth + 1) * classes)),
    ),
    predictions,
  };
}

/**
 * Class k of the data is the network's class k; or, where the data have only some of the network's
 * classes, its class `numbers[k]`, which has the same name.
 */
function matchClasses(
  { classes, labels }: Evaluated["info"],
  dataset: Dataset,
): { readonly numbers?: readonly number[]; readonly names: readonly string[] } {
  const given = dataset.classes;
  if (classes === given.length) return { names: given };
  const isNamed = labels?.some((label, i) => label !== String(i));
  const numbers = isNamed && labels ? given.map((name) => labels.indexOf(name)) : [];
  if (labels && numbers.length && !numbers.includes(-1)) return { numbers, names: labels };
  throw new OnebitError(
    `${dataset.spec} has ${given.length} classes, the network ${classes}: evaluate it on the data it was trained for, or on some of its classes under the same names`,
  );
}

/** For a file that does not say how images are prepared: as usual for the data set. */
function defaultPreprocess({ info }: Evaluated, dataset: Dataset): Preprocess {
  const { channels, height, width } = info.input;
  if (channels === 1 || channels === 3) {
    return preprocessFor(dataset, { channels, size: [height, width] });
  }
  throw new OnebitError(`the network takes ${channels} channels; images have 1 or 3`);
}
