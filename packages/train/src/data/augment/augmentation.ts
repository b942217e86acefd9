import type { Preprocess, Rectangle } from "onebit/image";
import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { Option, OptionValues } from "./options.js";

/** What every augmentation says of itself; one of its own file and a line in catalogue.ts. */
interface Described<O extends OptionValues> {
  readonly name: string;
  /** In one line, for lists. */
  readonly description: string;
  /** Paper, or whose behaviour it has. */
  readonly source: string;
  readonly options: { readonly [K in keyof O]: Option<O[K]> };
  /** The options that a value without a name gives: flip=0.5. */
  readonly bare: readonly (keyof O & string)[];
}

/** Changes one image. All randomness comes from `random`, so that threads and order do not matter. */
export interface ImageAugmentation<O extends OptionValues = OptionValues> extends Described<O> {
  readonly of: "image";
  /** The image has the size and the channels that the network takes (but see `fixed`). */
  make(options: O, preprocess: Preprocess): (image: RawImage, random: Random) => RawImage;
  /**
   * Of one that takes pictures of any size, and returns the network's: what happens to a picture before,
   * the same every time, instead of the plain resize and crop.
   */
  fixed?(options: O, preprocess: Preprocess): (image: RawImage) => RawImage;
}

/** Mixes each image of a batch with the image as far from the end as it is from the beginning. */
export interface BatchAugmentation<O extends OptionValues = OptionValues> extends Described<O> {
  readonly of: "batch";
  /**
   * How a batch is mixed; undefined: not at all. Where several are on, a later one is chosen with
   * probability `options.switch`.
   */
  draw(options: O, random: Random, size: Preprocess["size"]): Mix | undefined;
}

/** An augmentation, of images or of whole batches. */
export type Augmentation = ImageAugmentation | BatchAugmentation;

/** weight · image + (1 - weight) · partner; with a box, the partner's pixels inside it instead. */
export interface Mix {
  /** From 0 to 1: the image's own share, also of the label. */
  readonly weight: number;
  readonly box?: Rectangle;
}

/** For lists: settings.ts gives each its options, checked. */
export function anyOptions(kind: { readonly name: string } & object): Augmentation {
  return kind as unknown as Augmentation;
}
