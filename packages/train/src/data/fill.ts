import { OnebitError } from "onebit";
import { normalize, type Preprocess } from "onebit/image";
import {
  type Augmenter,
  type AugmentOptions,
  augmenter,
  loadOwnAugmentation,
  type Mixed,
  mixImages,
  OwnAugmentationError,
} from "./augment/index.js";
import { type BadPicture, badPicture } from "./bad-picture.js";
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
  /** Which of its epoch the batch is: decides how it is mixed. */
  number: number;
  /** Which view of each image: decides how it is changed. Usually the epoch. */
  view: number;
  /** Leave out pictures that cannot be used, instead of failing at the first. */
  skipBad?: boolean;
}

/** What came of a request besides the pixels. */
export interface FilledBatch {
  /** What was left out. */
  bad: BadPicture[];
  /** Absent: the images were not mixed. */
  mixed?: Mixed;
}

/**
 * Decodes, augments and normalises items of one split. Item i always gets the random stream (seed, view,
 * i) and batch n the stream (seed, epoch, n), so that neither the order nor the number of threads
 * changes a pixel.
 */
export class BatchFiller {
  readonly #split: Split;
  readonly #kept: KeptPictures | undefined;

  /** keep: pictures of files are decoded once, while there is room (see KeptPictures). */
  constructor(split: Split, keep: boolean) {
    this.#split = split;
    this.#kept = keep && isOfFiles(split) ? new KeptPictures() : undefined;
  }

  /** Fills `images` [N, C, H, W], one after another; what is left of it is set to 0. */
  async fill(request: BatchRequest, images: Float32Array): Promise<FilledBatch> {
    const { indices, preprocess, augment, seed, epoch, number, view, skipBad } = request;
    await loadOwnAugmentation(augment);
    const change = augmenter(preprocess, augment);
    const [height, width] = preprocess.size;
    const stride = preprocess.channels * height * width;
    const bad: BadPicture[] = [];
    let filled = 0;
    for (const i of indices) {
      try {
        const loaded = this.#fixed(i, request, change);
        const fixed = loaded instanceof Promise ? await loaded : loaded;
        const image = augment ? change.varied(fixed, rng(seed, "augment", view, i)) : fixed;
        normalize(image, preprocess, images, filled * stride);
        filled++;
      } catch (error) {
        if (error instanceof OwnAugmentationError) throw this.#ownFailed(i, request, error);
        const found = badPicture(this.#split.source(i), error, i);
        if (!skipBad) throw new OnebitError(`${found.source}: ${found.reason}`);
        bad.push(found);
      }
    }
    images.fill(0, filled * stride);
    const mix = augment && change.drawMix(rng(seed, "mix", epoch, number));
    if (!mix || filled === 0) return { bad };
    const mixed = mixImages(images.subarray(0, filled * stride), filled, preprocess.size, mix);
    return { bad, mixed };
  }

  #ownFailed(i: number, request: BatchRequest, { message }: Error): OnebitError {
    const { seed, epoch, view } = request;
    const when = `epoch ${epoch + 1}, ${view === epoch ? "" : `view ${view + 1}, `}seed ${seed}`;
    return new OnebitError(
      `augment.own, given ${this.#split.source(i)} (image ${i}; ${when}): ${message}`,
    );
  }

  #fixed(
    i: number,
    { preprocess, augment }: BatchRequest,
    { fixed }: Augmenter,
  ): RawImage | Promise<RawImage> {
    const load = () => this.#split.image(i);
    const kept = this.#kept;
    if (kept) return kept.get(i, { preprocess, augment }, async () => fixed(await load()));
    const image = load();
    return image instanceof Promise ? image.then(fixed) : fixed(image);
  }
}
