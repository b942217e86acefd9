import { toGrey } from "onebit/image";
import type { RawImage } from "../split.js";
import { throughTable } from "./tables.js";

/*
 * Pillow's ImageEnhance, bit for bit: each blends the image with what it would be without a quality.
 *
 *   out = base + factor (value - base), in single precision, the fraction dropped, cut off to 0 .. 255
 */

/** base: 0. */
export function brightness(image: RawImage, factor: number): RawImage {
  return blendedWithConstant(image, 0, factor);
}

/** base: the mean grey of the image, rounded. */
export function contrast(image: RawImage, factor: number): RawImage {
  return blendedWithConstant(image, meanGrey(image), factor);
}

/** base: the pixel's grey. */
export function saturation(image: RawImage, factor: number): RawImage {
  if (image.channels === 1) return image;
  const { data } = toGrey(image);
  const base = new Uint8Array(image.data.length);
  for (let o = 0; o < base.length; o++) base[o] = data[(o / 3) | 0];
  return blendedWith(image, base, factor);
}

/** base: the image, smoothed. */
export function sharpness(image: RawImage, factor: number): RawImage {
  return blendedWith(image, smoothed(image), factor);
}

function blendedWithConstant(image: RawImage, base: number, factor: number): RawImage {
  const alpha = Math.fround(factor);
  return throughTable(image, (value) => blend(base, value, alpha));
}

function blendedWith(image: RawImage, base: Uint8Array, factor: number): RawImage {
  const alpha = Math.fround(factor);
  const { data } = image;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = blend(base[i], data[i], alpha);
  return { ...image, data: out };
}

/** alpha: in single precision. */
function blend(base: number, value: number, alpha: number): number {
  const mixed = Math.fround(base + Math.fround(alpha * (value - base)));
  return mixed <= 0 ? 0 : mixed >= 255 ? 255 : Math.trunc(mixed);
}

function meanGrey(image: RawImage): number {
  const { data } = toGrey(image);
  let sum = 0;
  for (const value of data) sum += value;
  return Math.trunc(sum / data.length + 0.5);
}

/** (5 · value + its eight neighbours) / 13, rounded; the border as it is. */
function smoothed({ data, width, height, channels }: RawImage): Uint8Array {
  const out = new Uint8Array(data);
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      const above = data[i - row - channels] + data[i - row] + data[i - row + channels];
      const beside = data[i - channels] + 5 * data[i] + data[i + channels];
      const below = data[i + row - channels] + data[i + row] + data[i + row + channels];
      out[i] = ((2 * (above + beside + below) + 13) / 26) | 0;
    }
  }
  return out;
}
