import { OnebitError } from "onebit";
import type { Preprocess } from "onebit/image";
import {
  type BadPicture,
  batches,
  type Dataset,
  matchClasses,
  preprocessFor,
} from "../data/index.js";
import { Scoreboard } from "../run/scores.js";
import { scoresOf } from "./scores-of.js";
import { openSubject, type Subject } from "./subject.js";

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

/** How a data set is gone through. */
export interface EvaluationOptions {
  /** Fail at the first picture that cannot be used. */
  readonly strict?: boolean;
  readonly onProgress?: (images: number, of: number) => void;
}

/** What a network says of the test images of a data set. */
export async function evaluateSubject(
  subject: Subject,
  dataset: Dataset,
  { strict, onProgress }: EvaluationOptions = {},
): Promise<EvaluationResult> {
  const scores = scoresOf(subject);
  const { preprocess = usualPreprocess(subject, dataset), backend, threads } = subject;
  const { numbers, classes, notes } = matchClasses(scores, dataset);
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
    const { logits } = await subject.run({ shape: [count, channels, ...size], data });
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
    ...{ backend, threads },
    ...{ classes, notes, bad, predictions, confusion: board.rows() },
  };
}

/** The same for a packed network, a float model or a run. */
export async function evaluateFile(
  path: string,
  dataset: Dataset,
  threads: number,
): Promise<EvaluationResult> {
  const subject = await openSubject(path, { backend: "auto", threads });
  try {
    return await evaluateSubject(subject, dataset);
  } finally {
    await subject.dispose();
  }
}

/** For a file that does not say how images are prepared: as usual for the data set. */
export function usualPreprocess({ path, input }: Subject, dataset: Dataset): Preprocess {
  const [channels, height = 1, width = 1] = input.shape;
  if (channels === 1 || channels === 3) {
    return preprocessFor(dataset, { channels, size: [height, width] });
  }
  throw new OnebitError(`${path}: takes ${channels} channels; images have 1 or 3`);
}
