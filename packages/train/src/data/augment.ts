import { crop, type Interpolation, type Rectangle, resize } from "onebit/image";
import { exp, ln } from "./portable-math.js";
import type { Random } from "./random.js";
import type { RawImage } from "./split.js";

/** What happens to a training image; absent parts do not. */
export interface AugmentOptions {
  /** Random resized crop instead of the plain resize (large photographs). `true`: the defaults. */
  resizedCrop?: boolean | ResizedCropOptions;
  /** Pad by so many zero pixels on each side, then cut the original size at random. */
  pad?: number;
  /** Mirror left to right with probability ½. */
  flip?: boolean;
  /** Brightness, contrast and saturation change by up to this share; 0: none. */
  colour?: number;
}

/** Which part of a picture a random crop takes. */
export interface ResizedCropOptions {
  /** Share of the area, from and to; default 0.08 to 1. */
  scale?: readonly [number, number];
  /** Width by height, from and to; default 3/4 to 4/3. */
  ratio?: readonly [number, number];
}

export const SMALLEST_CROP: readonly [number, number] = [0.08, 1];

/** Pads by `pad` zeros on each side and cuts the original size at a random place. */
export function padAndCrop(image: RawImage, pad: number, random: Random): RawImage {
  const left = random.integer(2 * pad + 1) - pad;
  const top = random.integer(2 * pad + 1) - pad;
  return shifted(image, left, top);
}

/** out(x, y) = in(x + left, y + top), zero outside. */
function shifted(image: RawImage, left: number, top: number): RawImage {
  const { width, height, channels } = image;
  const data = new Uint8Array(image.data.length);
  const x0 = Math.max(0, -left);
  const x1 = Math.min(width, width - left);
  if (x0 >= x1) return { ...image, data };
  const y1 = Math.min(height, height - top);
  for (let y = Math.max(0, -top); y < y1; y++) {
    const row = (y + top) * width + left;
    data.set(
      image.data.subarray((row + x0) * channels, (row + x1) * channels),
      (y * width + x0) * channels,
    );
  }
  return { ...image, data };
}

/** Mirrors left to right. */
export function flipHorizontally(image: RawImage): RawImage {
  const { width, height, channels } = image;
  const data = new Uint8Array(image.data.length);
  let o = 0;
  for (let y = 0; y < height; y++) {
    for (let x = width - 1; x >= 0; x--) {
      let i = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) data[o++] = image.data[i++];
    }
  }
  return { ...image, data };
}

/**
 * The rectangle of Inception-style training, as torchvision draws it: area uniform in `scale`, ratio
 * log-uniform in `ratio`, ten tries; else the largest centred crop whose ratio is in range.
 */
export function randomCropRectangle(
  width: number,
  height: number,
  random: Random,
  { scale = SMALLEST_CROP, ratio = [3 / 4, 4 / 3] }: ResizedCropOptions = {},
): Rectangle {
  for (let tries = 0; tries < 10; tries++) {
    const area = width * height * random.uniform(scale[0], scale[1]);
    const aspect = exp(random.uniform(ln(ratio[0]), ln(ratio[1])));
    const w = Math.round(Math.sqrt(area * aspect));
    const h = Math.round(Math.sqrt(area / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const top = random.integer(height - h + 1);
    const left = random.integer(width - w + 1);
    return { left, top, width: w, height: h };
  }
  const aspect = Math.min(ratio[1], Math.max(ratio[0], width / height));
  const w = Math.min(width, Math.max(1, Math.round(height * aspect)));
  const h = Math.min(height, Math.max(1, Math.round(width / aspect)));
  return {
    left: Math.floor((width - w) / 2),
    top: Math.floor((height - h) / 2),
    width: w,
    height: h,
  };
}

/** Random crop, resized to [height, width]. */
export function randomResizedCrop(
  image: RawImage,
  [height, width]: readonly [number, number],
  interpolation: Interpolation,
  random: Random,
  options: ResizedCropOptions = {},
): RawImage {
  const part = crop(image, randomCropRectangle(image.width, image.height, random, options));
  const { data } = resize(part, { width, height, interpolation });
  return { data, width, height, channels: image.channels };
}
