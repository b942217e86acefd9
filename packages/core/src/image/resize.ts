import { UsageError } from "../errors.js";
import { crop, type Rectangle } from "./crop.js";

/** 8-bit pixels, interleaved: data[(y * width + x) * channels + c]. */
export interface PixelImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels: number;
}

/** What `resize` returns. */
export interface ResizedImage extends PixelImage {
  data: Uint8Array;
}

/** How pixels are interpolated when an image is resized, as Pillow calls it. */
export type Interpolation = "bilinear" | "bicubic";

/** left, top, right, bottom in source pixels; fractions are allowed. */
export type Box = readonly [number, number, number, number];

/** How an image is resized. */
export interface ResizeOptions {
  width: number;
  height: number;
  interpolation?: Interpolation;
  /** The part of the source that fills the output; default: all of it. */
  box?: Box;
  /** The part of the output that is wanted, in output pixels; default: all. Nothing else is computed. */
  window?: Rectangle;
}

export interface Kernel {
  support: number;
  weight(x: number): number;
}

/** Triangle: 1 - |x| on [-1, 1]. */
const bilinear: Kernel = {
  support: 1,
  weight(x) {
    const t = Math.abs(x);
    return t < 1 ? 1 - t : 0;
  },
};

/** Keys' cubic convolution with a = -0.5 on [-2, 2]. */
const bicubic: Kernel = {
  support: 2,
  weight(x) {
    const a = -0.5;
    const t = Math.abs(x);
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
    return 0;
  },
};

export const KERNELS: Record<Interpolation, Kernel> = { bilinear, bicubic };

/** Weights are integers of 22 fractional bits: 8 bits of pixel and 2 of headroom fill an int32. */
const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

/** For each output position: the first source pixel, how many, and their weights (`stride` apart). */
export interface Taps {
  first: Int32Array;
  count: Int32Array;
  weights: Int32Array;
  stride: number;
}

/**
 * Antialiased resize, bit for bit as Pillow's `Image.resize` on 8-bit images.
 *
 *   out(i) = Σ_j w((j + ½ - centre_i) / s) · in(j) / Σ_j w(..)
 *   centre_i = from + (i + ½) · (to - from) / size,   s = max(1, (to - from) / size)
 *
 * so the kernel widens when shrinking. Horizontal pass first, then vertical; weights are rounded to
 * 22 bits and the image between the passes to 8 bits, clamped. A pass that would change nothing is
 * skipped. Channels are independent: composite alpha before resizing.
 */
export function resize(image: PixelImage, options: ResizeOptions): ResizedImage {
  const { width, height, interpolation = "bilinear" } = options;
  const box = options.box ?? [0, 0, image.width, image.height];
  checkImage(image);
  checkTarget(width, height);
  checkBox(box, image);
  const kernel = KERNELS[interpolation];
  if (!kernel) {
    throw new UsageError(`unknown interpolation "${interpolation}": use bilinear or bicubic`);
  }
  const window = options.window ?? { left: 0, top: 0, width, height };
  checkWindow(window, options);
  const [left, top, right, bottom] = box;
  const columns =
    width === image.width && left === 0 && right === width
      ? undefined
      : taps(image.width, [left, right], width, [window.left, window.width], kernel);
  const rows =
    height === image.height && top === 0 && bottom === height
      ? undefined
      : taps(image.height, [top, bottom], height, [window.top, window.height], kernel);
  const from = rows ? rows.first[0] : window.top;
  const to = rows ? rows.first.at(-1)! + rows.count.at(-1)! : window.top + window.height;
  const wide = columns
    ? horizontal(image, columns, [from, to])
    : crop(image, { left: window.left, top: from, width: window.width, height: to - from });
  const tall = rows ? vertical(wide, rows) : wide;
  return { ...tall, data: tall === image ? new Uint8Array(image.data) : (tall.data as Uint8Array) };
}

export type Span = readonly [from: number, to: number];

/** Of `count` output positions from `start` of the `outSize` that lie over source pixels from..to. */
export function taps(
  inSize: number,
  [from, to]: Span,
  outSize: number,
  [start, count]: readonly [start: number, count: number],
  kernel: Kernel,
): Taps {
  // Pillow keeps the box in single precision.
  const edge = Math.fround(from);
  const scale = Math.fround(Math.fround(to) - edge) / outSize;
  const spread = Math.max(1, scale);
  const support = kernel.support * spread;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(count);
  const counts = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  const row = new Float64Array(stride);
  for (let i = 0; i < count; i++) {
    const centre = edge + (start + i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inSize, Math.trunc(centre + support + 0.5));
    let total = 0;
    for (let j = begin; j < end; j++) {
      const w = kernel.weight((j - centre + 0.5) * (1 / spread));
      row[j - begin] = w;
      total += w;
    }
    first[i] = begin;
    counts[i] = end - begin;
    for (let k = 0; k < end - begin; k++) {
      const fixed = (total === 0 ? row[k] : row[k] / total) * (1 << PRECISION);
      weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  }
  return { first, count: counts, weights, stride };
}

function clamp8(sum: number): number {
  const value = sum >> PRECISION;
  return Math.min(255, Math.max(0, value));
}

const isLittleEndian = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

/**
 * Pixels of four channels as a word each: what browsers give is read with a quarter of the loads. Undefined where
 * bytes do not lie so.
 */
function pixelWords({ data, channels }: PixelImage): Int32Array | undefined {
  if (channels !== 4 || data.byteOffset % 4 !== 0 || !isLittleEndian) return undefined;
  return new Int32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** Only the source rows from..to, which are those that the vertical pass reads. */
function horizontal(
  image: PixelImage,
  { first, count, weights, stride }: Taps,
  [from, to]: Span,
): PixelImage {
  const { data, channels } = image;
  const words = pixelWords(image);
  const width = first.length;
  const height = to - from;
  const out = new Uint8Array(width * height * channels);
  let o = 0;
  for (let y = from; y < to; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = y * image.width + first[x];
      const w = x * stride;
      const n = count[x];
      if (words) {
        let r = HALF;
        let g = HALF;
        let b = HALF;
        let a = HALF;
        for (let k = 0; k < n; k++) {
          const weight = weights[w + k];
          const word = words[pixel + k];
          r = (r + (word & 255) * weight) | 0;
          g = (g + ((word >> 8) & 255) * weight) | 0;
          b = (b + ((word >> 16) & 255) * weight) | 0;
          a = (a + (word >>> 24) * weight) | 0;
        }
        for (const sum of [r, g, b, a]) out[o++] = clamp8(sum);
        continue;
      }
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        let p = pixel * channels + c;
        for (let k = 0; k < n; k++, p += channels) sum = (sum + data[p] * weights[w + k]) | 0;
        out[o++] = clamp8(sum);
      }
    }
  }
  return { data: out, width, height, channels };
}

/** `image` begins at the first source row that is read. */
function vertical(image: PixelImage, { first, count, weights, stride }: Taps): PixelImage {
  const { data, width, channels } = image;
  const height = first.length;
  const rowBytes = width * channels;
  const out = new Uint8Array(rowBytes * height);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * stride + k];
      const p = (first[y] - first[0] + k) * rowBytes;
      for (let i = 0; i < rowBytes; i++) sums[i] += data[p + i] * weight;
    }
    const o = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) out[o + i] = clamp8(sums[i]);
  }
  return { data: out, width, height, channels };
}

function isSize(n: number): boolean {
  return Number.isInteger(n) && n > 0;
}

function checkTarget(width: number, height: number): void {
  if (isSize(width) && isSize(height)) return;
  throw new UsageError(`cannot resize to ${width}x${height}: both must be whole numbers above 0`);
}

function checkWindow(window: Rectangle, { width, height }: ResizeOptions): void {
  const { left, top } = window;
  const isWhole = [left, top].every((n) => Number.isInteger(n) && n >= 0);
  const inside = left + window.width <= width && top + window.height <= height;
  if (isWhole && isSize(window.width) && isSize(window.height) && inside) return;
  throw new UsageError(
    `a window of ${window.width}x${window.height} at ${left}, ${top} is not inside the ${width}x${height} that come out`,
  );
}

/** Throws unless the pixel count matches the stated shape. */
export function checkImage({ data, width, height, channels }: PixelImage): void {
  if (!isSize(width) || !isSize(height) || !isSize(channels)) {
    throw new UsageError(
      `image of ${width}x${height} with ${channels} channels: all must be whole numbers above 0`,
    );
  }
  const expected = width * height * channels;
  if (data.length === expected) return;
  throw new UsageError(
    `image of ${width}x${height} with ${channels} channels needs ${expected} bytes, got ${data.length}`,
  );
}

function checkBox(box: Box, image: PixelImage): void {
  const [left, top, right, bottom] = box;
  const inside = left >= 0 && top >= 0 && right <= image.width && bottom <= image.height;
  if (inside && left < right && top < bottom) return;
  throw new UsageError(
    `box [${box.join(", ")}] is not inside the image of ${image.width}x${image.height}: give left, top, right, bottom with left < right and top < bottom`,
  );
}
