import { OnebitError } from "onebit";
import { normalize, type Preprocess } from "onebit/image";
import type { AugmentOptions } from "./augment.js";
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
}

/**
 * Decodes, augments and normalises the items into `images` [N, C, H, W]; what is left of `images` is
 * set to 0. Item i of an epoch always gets the random stream (seed, epoch, i), so that neither
 * the order nor the number of threads changes a pixel.
 */
export async function fillBatch(
  split: Split,
  request: BatchRequest,
  images: Float32Array,
): Promise<void> {
  const { indices, preprocess, augment, seed, epoch } = request;
  const [height, width] = preprocess.size;
  const stride = preprocess.channels * height * width;
  for (let n = 0; n < indices.length; n++) {
    const i = indices[n];
    const random = augment && rng(seed, "augment", epoch, i);
    const loaded = split.image(i);
    const image = loaded instanceof Promise ? await loaded : loaded;
    try {
      normalize(prepare(image, preprocess, augment, random), preprocess, images, n * stride);
    } catch (error) {
      if (!(error instanceof OnebitError)) throw error;
      throw new OnebitError(`${split.source(i)}: ${error.message}`);
    }
  }
  images.fill(0, indices.length * stride);
}
