import type { Preprocess } from "onebit/image";
import { type AugmentOptions, prepare } from "../data/augment/index.js";
import { rng } from "../data/random.js";
import type { RawImage } from "../data/split.js";

/** For networks that take images as they are. */
export function asTheyAre({ width, height, channels }: RawImage): Preprocess {
  return {
    ...{ size: [height, width], channels, crop: "none", interpolation: "bilinear" },
    ...{ mean: [0.4, 0.5, 0.6].slice(0, channels), std: [0.1, 0.2, 0.3].slice(0, channels) },
  };
}

/** What the network sees of an image. */
export function augmented(image: RawImage, augment: AugmentOptions, random = rng(1)): RawImage {
  return prepare(image, asTheyAre(image), augment, random);
}

/** value(x, y, c) at each place. */
export function imageOf(
  [width, height, channels]: readonly [number, number, 1 | 3],
  value: (x: number, y: number, c: number) => number,
): RawImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return value(pixel % width, Math.floor(pixel / width), i % channels);
  });
  return { data, width, height, channels };
}
