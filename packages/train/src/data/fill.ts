import { OnebitError } from "onebit";
import { normalize, type Preprocess } from "onebit/image";
import type { AugmentOptions } from "./augment.js";
import { type BadPicture, badPicture } from "./bad-picture.js";
import { fixedPart, varied } from "./example.js";
import { KeptPictures } from "./kept-pictures.js";
import { isOfFiles } from "./open-split.js";
import { rng } from "./random.js";
import type { RawImage, Split } from "./split.js";

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
 * Decodes, augments and normalises items of one split. Item i of an epoch always gets the random
 * stream (seed, epoch, i), so that neither the order nor the number of threads changes a pixel.
 */
export class BatchFiller {
  readonly #split: Split;
  readonly #kept: KeptPictures | undefined;

  /** keep: pictures of files are decoded once, while there is room (see KeptPictures). */
  constructor(split: Split, keep: boolean) {
    this.#split = split;
    this.#kept = keep && isOfFiles(split) ? new KeptPictures() : undefined;
  }

  /**
   * Fills `images` [N, C, H, W], one after another; what is left of it is set to 0. Returns what was
   * left out.
   */
  async fill(request: BatchRequest, images: Float32Array): Promise<BadPicture[]> {
    const { indices, preprocess, augment, seed, epoch, skipBad } = request;
    const [height, width] = preprocess.size;
    const stride = preprocess.channels * height * width;
    const bad: BadPicture[] = [];
    let filled = 0;
    for (const i of indices) {
      try {
        const loaded = this.#fixed(i, request);
        const fixed = loaded instanceof Promise ? await loaded : loaded;
        const random = augment && rng(seed, "augment", epoch, i);
        const image = random ? varied(fixed, preprocess, augment, random) : fixed;
        normalize(image, preprocess, images, filled * stride);
        filled++;
      } catch (error) {
        const found = badPicture(this.#split.source(i), error, i);
        if (!skipBad) throw new OnebitError(`${found.source}: ${found.reason}`);
        bad.push(found);
      }
    }
    images.fill(0, filled * stride);
    return bad;
  }

  #fixed(i: number, { preprocess, augment }: BatchRequest): RawImage | Promise<RawImage> {
    const load = () => this.#split.image(i);
    const kept = this.#kept;
    if (kept) return kept.get(i, { preprocess, augment }, load);
    const image = load();
    if (!(image instanceof Promise)) return fixedPart(image, preprocess, augment);
    return image.then((decoded) => fixedPart(decoded, preprocess, augment));
  }
}
