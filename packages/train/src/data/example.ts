import { fit, type Preprocess, resize, toGrey } from "onebit/image";
import {
  type AugmentOptions,
  flipHorizontally,
  padAndCrop,
  type ResizedCropOptions,
  randomResizedCrop,
  SMALLEST_CROP,
} from "./augment.js";
import { shiftColours } from "./colour.js";
import type { Random } from "./random.js";
import type { RawImage } from "./split.js";

/**
 * An image of the network's size, before normalisation: random resized crop or the plain resize and
 * crop, then pad and crop, then flip, then other light. Without `random`: the plain one, as in
 * evaluation.
 */
export function prepare(
  image: RawImage,
  preprocess: Preprocess,
  augment: AugmentOptions = {},
  random?: Random,
): RawImage {
  const fixed = fixedPart(image, preprocess, random ? augment : undefined);
  return random ? varied(fixed, preprocess, augment, random) : fixed;
}

/**
 * What of `prepare` is the same in every epoch: grey where that is wanted, and the plain resize and
 * crop; or, before a random crop, no more pixels than its smallest crop needs.
 */
export function fixedPart(
  image: RawImage,
  preprocess: Preprocess,
  augment: AugmentOptions = {},
): RawImage {
  const crops = cropOptions(augment);
  if (!crops) return fit(image, preprocess) as RawImage;
  const source = preprocess.channels === 1 ? (toGrey(image) as RawImage) : image;
  const [least] = crops.scale ?? SMALLEST_CROP;
  return reduced(source, Math.ceil(Math.max(...preprocess.size) / Math.sqrt(least)), preprocess);
}

/** The rest, another one every time. */
export function varied(
  fixed: RawImage,
  { size, interpolation }: Preprocess,
  augment: AugmentOptions,
  random: Random,
): RawImage {
  const { pad = 0, flip = false, colour = 0 } = augment;
  const crops = cropOptions(augment);
  let out = crops ? randomResizedCrop(fixed, size, interpolation, random, crops) : fixed;
  if (pad > 0) out = padAndCrop(out, pad, random);
  if (flip && random.chance(0.5)) out = flipHorizontally(out);
  if (colour > 0) out = shiftColours(out, colour, random);
  return out;
}

function cropOptions({ resizedCrop }: AugmentOptions): ResizedCropOptions | undefined {
  return resizedCrop === true ? {} : resizedCrop || undefined;
}

/** Shorter side `side`, where it is longer. */
function reduced(image: RawImage, side: number, { interpolation }: Preprocess): RawImage {
  const { width, height, channels } = image;
  const scale = side / Math.min(width, height);
  if (scale >= 1) return image;
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const { data } = resize(image, { ...size, interpolation });
  return { data, ...size, channels };
}
