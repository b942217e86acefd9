import { batches, type Dataset, rng } from "@onebit/train/data";
import type { Subject } from "@onebit/train/subjects";
import { type FloatTensor, OnebitError } from "onebit";
import { type Preprocess, preprocess } from "onebit/image";
import { decodeImage } from "onebit/images";
import { preparationOf } from "../subjects/classes.js";
import { imageOf } from "./tensors.js";
import type { ImagePair } from "./verify.js";

/** Images per call: large networks keep a lot of each in memory. */
const BATCH = 8;

/** The same tensor for both, in small batches. */
export async function* tensorPairs(images: FloatTensor): AsyncGenerator<ImagePair> {
  const [count, ...rest] = images.shape;
  const size = images.data.length / count;
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(count, start + BATCH);
    const part = {
      shape: [end - start, ...rest],
      data: images.data.subarray(start * size, end * size),
    };
    yield { a: part, b: part };
  }
}

/** Normal noise, as normalised images roughly are; the same for the same seed. */
export function generatedImages(input: Subject["input"], count: number, seed: number): FloatTensor {
  const random = rng(seed, "verify");
  const shape = [count, ...input.shape];
  const length = shape.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length }, () => random.normal());
  return { shape, data };
}

/** Photographs, prepared for each network as it says itself. */
export async function* photographPairs(
  paths: readonly string[],
  a: Subject,
  b: Subject,
): AsyncGenerator<ImagePair> {
  const [forA, forB] = [preparationOf(a), preparationOf(b)];
  for (const path of paths) {
    const image = await decodeImage(path);
    const ready = (how: Preprocess): FloatTensor => {
      return { shape: [1, how.channels, ...how.size], data: preprocess(image, how) };
    };
    yield { a: ready(forA), b: ready(forB) };
  }
}

/** Test images of a data set, prepared for each network as it says itself. */
export async function* datasetPairs(
  dataset: Dataset,
  a: Subject,
  b: Subject,
): AsyncGenerator<ImagePair> {
  const [forA, forB] = [preparationOf(a), preparationOf(b)];
  const isSame = JSON.stringify(forA) === JSON.stringify(forB);
  const streamOf = (how: Preprocess) =>
    batches(dataset, { split: "test", batch: BATCH, preprocess: how });
  const [left, right] = [streamOf(forA), isSame ? undefined : streamOf(forB)];
  const others = right?.[Symbol.asyncIterator]();
  for await (const batch of left) {
    const x = tensorOf(batch.images, batch.count, forA);
    const other = others ? (await others.next()).value : undefined;
    yield { a: x, b: other ? tensorOf(other.images, other.count, forB) : x };
    left.recycle(batch);
    if (other) right?.recycle(other);
  }
}

function tensorOf(images: Float32Array, count: number, { channels, size }: Preprocess) {
  const shape = [count, channels, ...size];
  return { shape, data: images.subarray(0, count * channels * size[0] * size[1]) };
}

/** The first images of pairs, one after another, for walking through the networks. */
export async function firstImages(
  pairs: AsyncIterable<ImagePair>,
  count: number,
): Promise<FloatTensor> {
  const images: Float32Array[] = [];
  let shape: readonly number[] = [];
  for await (const { a, b } of pairs) {
    if (a !== b && !sameNumbers(a.data, b.data)) {
      throw new OnebitError(
        "the two networks prepare photographs differently; bisect them with tensors: --input x.npy",
      );
    }
    for (let n = 0; n < a.shape[0] && images.length < count; n++) {
      images.push(Float32Array.from(imageOf(a, n).data));
    }
    [, ...shape] = a.shape;
    if (images.length === count) break;
  }
  const data = new Float32Array(images.length * (images[0]?.length ?? 0));
  images.forEach((image, n) => {
    data.set(image, n * image.length);
  });
  return { shape: [images.length, ...shape], data };
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
