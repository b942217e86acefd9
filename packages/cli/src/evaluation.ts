import { evaluateFloat, Scoreboard } from "@onebit/train";
import { batches, type Dataset, preprocessFor } from "@onebit/train/data";
import { type Model, OnebitError } from "onebit";
import type { Preprocess } from "onebit/image";
import { type FloatModel, floatModelGraph } from "onebit/models";

/** What `onebit eval --json` prints, and the picture of the errors. */
export interface EvaluationResult {
  readonly images: number;
  readonly top1: number;
  readonly top5: number;
  readonly loss: number;
  readonly imagesPerSecond: number;
  readonly backend: string;
  readonly threads: number;
  /** counts[truth][prediction]. */
  readonly confusion: readonly (readonly number[])[];
  readonly predictions: Int32Array;
}

export interface EvaluationOptions {
  readonly threads: number;
  readonly onProgress?: (images: number, of: number) => void;
}

/** The float network in ONNX Runtime: with signs, but every bit a float32. */
export async function evaluateFloatModel(
  model: FloatModel,
  dataset: Dataset,
  { threads, onProgress }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { preprocess } = model;
  const options = { threads, preprocess, onProgress };
  const result = await evaluateFloat(floatModelGraph(model), model.tensors, dataset, options);
  return { ...result, backend: "onnxruntime", threads };
}

/** The packed network on the backend that it was loaded with. */
export async function evaluatePacked(
  model: Model,
  dataset: Dataset,
  { onProgress }: EvaluationOptions,
): Promise<EvaluationResult> {
  const { classes, preprocess = defaultPreprocess(model, dataset) } = model.info;
  if (classes !== dataset.classes.length) {
    throw new OnebitError(
      `${dataset.spec} has ${dataset.classes.length} classes, the network ${classes}: evaluate it on the data it was trained for`,
    );
  }
  const stream = batches(dataset, { split: "test", batch: 64, preprocess });
  const board = new Scoreboard(dataset.classes.length);
  const predictions = new Int32Array(stream.items);
  const { channels, size } = preprocess;
  let done = 0;
  let computing = 0;
  for await (const batch of stream) {
    const { images, labels: truth, count, indices } = batch;
    const length = count * channels * size[0] * size[1];
    const started = performance.now();
    const data = images.subarray(0, length);
    const { logits } = await model.run({ shape: [count, channels, ...size], data });
    computing += performance.now() - started;
    board.add(logits.data, truth.subarray(0, count)).forEach((prediction, i) => {
      predictions[indices[i]] = prediction;
    });
    stream.recycle(batch);
    done += count;
    onProgress?.(done, stream.items);
  }
  const { confusion } = board;
  return {
    ...board.accuracy(),
    imagesPerSecond: (1000 * done) / computing,
    backend: model.backend,
    // Both backends have one thread, whatever was asked for.
    threads: 1,
    confusion: dataset.classes.map((_, truth) =>
      Array.from(confusion.subarray(truth * classes, (truth + 1) * classes)),
    ),
    predictions,
  };
}

/** For a file that does not say how images are prepared: as usual for the data set. */
function defaultPreprocess({ info }: Model, dataset: Dataset): Preprocess {
  const { channels, height, width } = info.input;
  if (channels === 1 || channels === 3) {
    return preprocessFor(dataset, { channels, size: [height, width] });
  }
  throw new OnebitError(`the network takes ${channels} channels; images have 1 or 3`);
}
