import { evaluateFloat, Scoreboard } from "@onebit/train";
import {
  type BadPicture,
  batches,
  type Dataset,
  matchClasses,
  preprocessFor,
} from "@onebit/train/data";
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
  /** Of the network, in its order. */
  readonly classes: readonly string[];
  /** How classes were matched, where that is worth knowing. */
  readonly notes: readonly string[];
  /** Pictures that could not be used. */
  readonly bad: readonly BadPicture[];
  /** counts[truth][prediction]. */
  readonly confusion: readonly (readonly number[])[];
  readonly predictions: Int32Array;
}

export interface EvaluationOptions {
  readonly threads: number;
  /** Fail at the first picture that cannot be used. */
  readonly strict?: boolean;
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
  { threads, strict, onProgress }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { preprocess, labels } = model;
  const options = { threads, preprocess, labels, skipBad: !strict, onProgress };
  const result = await evaluateFloat(floatModelGraph(model), model.tensors, dataset, options);
  return { ...result, backend: "onnxruntime", threads };
}

/** A packed network on the backend that it was loaded with, or one in ONNX. */
export async function evaluateClassifier(
  model: Evaluated,
  dataset: Dataset,
  { strict, onProgress }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { preprocess = defaultPreprocess(model, dataset) } = model.info;
  const { numbers, classes, notes } = matchClasses(model.info, dataset);
  const stream = batches(dataset, { split: "test", batch: 64, preprocess, skipBad: !strict });
  const board = new Scoreboard(classes.length);
  const predictions = new Int32Array(stream.items).fill(-1);
  const bad: BadPicture[] = [];
  const { channels, size } = preprocess;
  const started = performance.now();
  let done = 0;
  for await (const batch of stream) {
    const { images, labels: truth, count, indices } = batch;
    bad.push(...batch.bad);
    done += count + batch.bad.length;
    if (count === 0) continue;
    const length = count * channels * size[0] * size[1];
    const data = images.subarray(0, length);
    const { logits } = await model.run({ shape: [count, channels, ...size], data });
    const expected = truth.subarray(0, count).map((label) => numbers[label]);
    board.add(logits.data, expected).forEach((prediction, i) => {
      predictions[indices[i]] = prediction;
    });
    stream.recycle(batch);
    onProgress?.(done, stream.items);
  }
  return {
    ...board.accuracy(),
    imagesPerSecond: (1000 * done) / (performance.now() - started),
    backend: model.backend,
    threads: model.threads ?? 1,
    ...{ classes, notes, bad, predictions, confusion: board.rows() },
  };
}

/** For a file that does not say how images are prepared: as usual for the data set. */
function defaultPreprocess({ info }: Evaluated, dataset: Dataset): Preprocess {
  const { channels, height, width } = info.input;
  if (channels === 1 || channels === 3) {
    return preprocessFor(dataset, { channels, size: [height, width] });
  }
  throw new OnebitError(`the network takes ${channels} channels; images have 1 or 3`);
}
