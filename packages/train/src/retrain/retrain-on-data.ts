import {
  type FloatTensor,
  load,
  loadModel,
  OnebitError,
  type SignalLike,
  UsageError,
} from "onebit";
import { type OnebitFile, writeOnebit } from "onebit/file";
import type { Preprocess } from "onebit/image";
import { counted } from "onebit/words";
import { type BadPicture, batches, type Dataset } from "../data/index.js";
import { headless, withFittedHead } from "./head.js";
import { CUT, type Trunk } from "./join-programs.js";
import { largest } from "./largest.js";

/** How pictures are gone through, and the classifier fitted. */
export interface RetrainOptions {
  /** Of the packed network. Default 1. */
  readonly threads?: number;
  /** Leave out pictures that cannot be used, instead of failing at the first. Default: false. */
  readonly skipBad?: boolean;
  readonly signal?: SignalLike;
  readonly onProgress?: (pictures: number, of: number) => void;
}

/** A packed network with another classifier. */
export interface Retrained {
  /** A `.onebit` file. */
  readonly bytes: Uint8Array;
  readonly classes: readonly string[];
  /** That it was fitted to, and numbers of the vector that it sees of each. */
  readonly pictures: number;
  readonly width: number;
  /** Test pictures, and the share of them that the packed network has right. */
  readonly test: { readonly pictures: number; readonly top1: number };
  /** Pictures that could not be used. */
  readonly bad: readonly BadPicture[];
  /** That features took, and the fit. */
  readonly seconds: { readonly features: number; readonly fit: number };
}

/**
 * A packed network with another classifier, for the classes of a data set: all before it stays as it is and runs
 * packed, once for every training picture; the classifier is fitted to these features by logistic regression.
 *
 * file: says how pictures are prepared, and its network ends in a linear layer, else OnebitError.
 * UsageError for fewer than two classes.
 */
export async function retrainOnData(
  file: OnebitFile,
  dataset: Dataset,
  options: RetrainOptions = {},
): Promise<Retrained> {
  const { preprocess } = file;
  if (!preprocess) {
    throw new OnebitError("the network does not say how pictures are prepared (preprocess)");
  }
  const { classes, spec } = dataset;
  if (classes.length < 2) {
    throw new UsageError(`${spec}: ${counted(classes.length, "class")}: two or more are wanted`);
  }
  const began = performance.now();
  const trunk = headless(file);
  const { features, labels, bad } = await featuresOfData(trunk, dataset, preprocess, options);
  if (!features.length) throw new OnebitError(`${spec}: no training picture can be used`);
  const computed = performance.now();
  const { signal } = options;
  const made = await withFittedHead(file, trunk, { features, labels, classes, signal });
  const bytes = await writeOnebit(made);
  const fitted = performance.now();
  const test = await tried(bytes, dataset, preprocess, options);
  const [{ length: width }] = features;
  return {
    ...{ bytes, classes, pictures: features.length, width },
    ...{ test: test.scores, bad: [...bad, ...test.bad] },
    seconds: { features: (computed - began) / 1000, fit: (fitted - computed) / 1000 },
  };
}

/** Pictures that run through a network at a time. */
const AT_ONCE = 16;

async function featuresOfData(
  trunk: Trunk,
  dataset: Dataset,
  preprocess: Preprocess,
  options: RetrainOptions,
) {
  using model = await loadModel(await writeOnebit(trunk), { threads: options.threads });
  const features: Float32Array[] = [];
  const labels: number[] = [];
  const bad: BadPicture[] = [];
  for await (const batch of batchesOf("train", dataset, preprocess, options)) {
    bad.push(...batch.bad);
    if (!batch.labels.length) continue;
    const { [CUT]: out } = await model.run(batch.images, { outputs: [CUT] });
    features.push(...rows(out));
    labels.push(...batch.labels);
    options.onProgress?.(features.length + bad.length, dataset.train.length);
  }
  return { features, labels, bad };
}

/** What the packed network says of the test pictures. */
async function tried(
  bytes: Uint8Array,
  dataset: Dataset,
  preprocess: Preprocess,
  options: RetrainOptions,
) {
  using model = await load(bytes, { threads: options.threads });
  let [pictures, right] = [0, 0];
  const bad: BadPicture[] = [];
  for await (const batch of batchesOf("test", dataset, preprocess, options)) {
    bad.push(...batch.bad);
    if (!batch.labels.length) continue;
    const { logits } = await model.run(batch.images);
    pictures += batch.labels.length;
    right += rows(logits).filter((row, n) => largest(row) === batch.labels[n]).length;
  }
  if (!pictures) throw new OnebitError(`${dataset.spec}: no test picture can be used`);
  return { scores: { pictures, top1: right / pictures }, bad };
}

async function* batchesOf(
  split: "train" | "test",
  dataset: Dataset,
  preprocess: Preprocess,
  { skipBad, signal }: RetrainOptions,
) {
  const order = { shuffle: false, dropLast: false };
  const stream = batches(dataset, { split, batch: AT_ONCE, preprocess, skipBad, signal, ...order });
  const { channels, size } = preprocess;
  for await (const { images, labels, count, bad } of stream) {
    const shape = [count, channels, ...size];
    const data = images.subarray(0, count * channels * size[0] * size[1]);
    yield { images: { shape, data }, labels: labels.subarray(0, count), bad };
    stream.recycle({ images });
    signal?.throwIfAborted();
  }
}

/** Of a tensor [N, C], copied. */
function rows({ shape: [count], data }: FloatTensor): Float32Array[] {
  const width = data.length / count;
  return Array.from({ length: count }, (_, n) => data.slice(n * width, (n + 1) * width));
}
