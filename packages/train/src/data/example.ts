import { fit, type Preprocess } from "onebit/image";
import { type AugmentOptions, flipHorizontally, padAndCrop, randomResizedCrop } from "./augment.js";
import type { Random } from "./random.js";
import type { RawImage } from "./split.js";

/**
 * An image of the network's size, before normalisation: random resized crop or the plain resize and
 * crop, then pad and crop, then flip. Without `random`: the plain one, as in evaluation.
 */
export function prepare(
  image: RawImage,
  preprocess: Preprocess,
  augment: AugmentOptions = {},
  random?: Random,
): RawImage {
  if (!random) return plain(image, preprocess);
  const { resizedCrop, pad = 0, flip = false } = augment;
  let out = resizedCrop
    ? randomResizedCrop(
        image,
        preprocess.size,
        preprocess.interpolation,
        random,
        resizedCrop === true ? {} : resizedCrop,
      )
    : plain(image, preprocess);
  if (pad > 0) out = padAndCrop(out, pad, random);
  if (flip && random.chance(0.5)) out = flipHorizontally(out);
  return out;
}

function plain(image: RawImage, preprocess: Preprocess): RawImage {
  const { data, width, height } = fit(image, preprocess);
  return { data: data as Uint8Array, width, height, channels: image.channels };
}
