import { toGrey } from "onebit/image";
import type { Random } from "./random.js";
import type { RawImage } from "./split.js";

/**
 * Other light: brightness, then contrast, then saturation (of colour), each by its own factor f,
 * uniform in [1 - strength, 1 + strength]; values are cut off to 0 .. 255.
 *
 *   brightness   f v
 *   contrast     m + f (v - m), m the mean grey of the image, rounded
 *   saturation   g + f (v - g), g the pixel's grey
 *
 * Source: torchvision's ColorJitter without hue, which calls Pillow's ImageEnhance.
 */
export function shiftColours(image: RawImage, strength: number, random: Random): RawImage {
  const factor = () => random.uniform(1 - strength, 1 + strength);
  const [brightness, contrast, saturation] = [factor(), factor(), factor()];
  const lit = blended(image, () => 0, brightness);
  const mean = meanGrey(lit);
  const contrasted = blended(lit, () => mean, contrast);
  if (image.channels === 1) return contrasted;
  const grey = toGrey(contrasted).data;
  return blended(contrasted, (pixel) => grey[pixel], saturation);
}

/** base + factor (value - base), the fraction dropped. */
export function blended(
  image: RawImage,
  base: (pixel: number) => number,
  factor: number,
): RawImage {
  const { data, channels } = image;
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0, pixel = 0; i < data.length; pixel++) {
    const from = base(pixel);
    for (let c = 0; c < channels; c++, i++) out[i] = Math.trunc(from + factor * (data[i] - from));
  }
  return { ...image, data: new Uint8Array(out.buffer) };
}

function meanGrey(image: RawImage): number {
  const { data } = toGrey(image);
  let sum = 0;
  for (const value of data) sum += value;
  return Math.trunc(sum / data.length + 0.5);
}
