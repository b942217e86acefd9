import { fit, type Preprocess, toGrey } from "onebit/image";
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
  const source = preprocess.channels === 1 ? (toGrey(image) as RawImage) : image;
  let out = resizedCrop
    ? randomResizedCrop(
        source,
        preprocess.size,
        preprocess.interpolation,
        random,
        resizedCrop === true ? {} : resizedCrop,
      )
    : plain(source, preprocess);
  if (pad > 0) out = padAndCrop(out, pad, random);
  if (flip && random.chance(0.5)) out = flipHorizontally(out);
  return out;
}

function plain(image: RawImage, preprocess: Preprocess): RawImage {
  return fit(image, preprocess) as RawImage;
}
