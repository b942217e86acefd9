import { OnebitError } from "onebit";
import { normalize, type Preprocess } from "onebit/image";
import type { AugmentOptions } from "./augment.js";
import { type BadPicture, badPicture } from "./bad-picture.js";
import { prepare } from "./example.js";
import { rng } from "./random.js";
import type { Split } from "./split.js";

/** Everything that decides the pixels of a batch. */
export interface BatchRequest {
  indices: Int32Array;
  preprocess: Preprocess;
  /** Absent: no augmentation. */
  augment?: AugmentOptions;
  seed: number;
  epoch: number;
  /** Leave out pictures that cannot be used, instead of failing at the first. */
  skipBad?: boolean;
}

/**
 * Decodes, augments and normalises the items into `images` [N, C, H, W], one after another; what is
 * left of `images` is set to 0. Item i of an epoch always gets the random stream (seed, epoch, i), so
 * that neither the order nor the number of threads changes a pixel. Returns what was left out.
 */
export async function fillBatch(
  split: Split,
  request: BatchRequest,
  images: Float32Array,
): Promise<BadPicture[]> {
  const { indices, preprocess, augment, seed, epoch, skipBad } = request;
  const [height, width] = preprocess.size;
  const stride = preprocess.channels * height * width;
  const bad: BadPicture[] = [];
  let filled = 0;
  for (const i of indices) {
    const random = augment && rng(seed, "augment", epoch, i);
    try {
      const loaded = split.image(i);
      const image = loaded instanceof Promise ? await loaded : loaded;
      normalize(prepare(image, preprocess, augment, random), preprocess, images, filled * stride);
      filled++;
    } catch (error) {
      if (!(error instanceof OnebitError)) throw error;
      const found = badPicture(split.source(i), error, i);
      if (!skipBad) throw new OnebitError(`${found.source}: ${found.reason}`);
      bad.push(found);
    }
  }
  images.fill(0, filled * stride);
  return bad;
}
