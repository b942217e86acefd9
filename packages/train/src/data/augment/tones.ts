import type { RawImage } from "../split.js";
import { throughHistograms, throughTable } from "./tables.js";

/* What Pillow's ImageOps do to values, bit for bit. */

export function invert(image: RawImage): RawImage {
  return throughTable(image, (value) => 255 - value);
}

/** Values from the threshold on are inverted. */
export function solarize(image: RawImage, threshold: number): RawImage {
  return throughTable(image, (value) => (value < threshold ? value : 255 - value));
}

/** Values below 128 become so much brighter. */
export function solarizeAdd(image: RawImage, more: number): RawImage {
  return throughTable(image, (value) => (value < 128 ? Math.min(255, value + more) : value));
}

/** Keeps the highest bits of each value, 0 to 8. */
export function posterize(image: RawImage, bits: number): RawImage {
  const mask = 0xff00 >> bits;
  return throughTable(image, (value) => value & mask);
}

/** Stretches each channel to 0 .. 255. */
export function autoContrast(image: RawImage): RawImage {
  return throughHistograms(image, (histogram) => {
    const low = histogram.findIndex((count) => count > 0);
    const high = histogram.findLastIndex((count) => count > 0);
    if (high <= low) return undefined;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return clampedTable((value) => Math.trunc(value * scale + offset));
  });
}

/** Every value about as often, by channel: value v becomes (half a step + pixels darker than v) / step. */
export function equalize(image: RawImage): RawImage {
  return throughHistograms(image, (histogram) => {
    const total = histogram.reduce((sum, count) => sum + count, 0);
    const brightest = histogram.findLast((count) => count > 0) ?? 0;
    const step = Math.floor((total - brightest) / 255);
    if (step === 0) return undefined;
    let below = Math.floor(step / 2);
    return clampedTable((value) => {
      const equal = Math.floor(below / step);
      below += histogram[value];
      return equal;
    });
  });
}

function clampedTable(of: (value: number) => number): Uint8Array {
  const values = Uint8ClampedArray.from({ length: 256 }, (_, value) => of(value));
  return new Uint8Array(values.buffer);
}
