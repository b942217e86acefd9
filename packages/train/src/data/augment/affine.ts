import type { Interpolation } from "onebit/image";
import { cos, sin } from "../portable-math.js";
import type { RawImage } from "../split.js";

/** Where the pixel at (x, y) comes from: (a x + b y + c, d x + e y + f); pixels have their centre at ½. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Drawn to the right the further down, from the upper left corner. */
export const shearX = (factor: number): Affine => [1, factor, 0, 0, 1, 0];
export const shearY = (factor: number): Affine => [1, 0, 0, factor, 1, 0];
export const translate = (x: number, y: number): Affine => [1, 0, x, 0, 1, y];

/** Counter-clockwise around the centre. */
export function rotation(degrees: number, { width, height }: Size): Affine {
  const angle = (-degrees * Math.PI) / 180;
  const [c, s] = [rounded(cos(angle)), rounded(sin(angle))];
  const [x, y] = [width / 2, height / 2];
  return [c, s, c * -x + s * -y + x, -s, c, s * x + c * -y + y];
}

type Size = Pick<RawImage, "width" | "height">;

/** To 15 digits, so that right angles are exact. */
const rounded = (value: number) => Math.round(value * 1e15) / 1e15;

/**
 * out(x, y) = in at (a x + b y + c, d x + e y + f), interpolated, `fill` (a value per channel) outside.
 *
 * As Pillow's Image.transform: bicubic is Keys' cubic convolution with a = -1 (not the -½ of its resize);
 * fractions of a value are dropped. Beyond the outermost centres the border repeats. In float64 and in
 * Pillow's order of operations, so that the values are the same; rows or columns that nothing is
 * interpolated between are not computed.
 */
export function transform(
  image: RawImage,
  matrix: Affine,
  interpolation: Interpolation,
  fill: readonly number[],
): RawImage {
  const { width, height, channels } = image;
  const [a, b, c, d, e, f] = matrix;
  const data = new Uint8Array(image.data.length);
  const sample = interpolation === "bicubic" ? bicubic : bilinear;
  for (let y = 0, o = 0; y < height; y++) {
    const yc = y + 0.5;
    for (let x = 0; x < width; x++, o += channels) {
      const xc = x + 0.5;
      const u = a * xc + b * yc + c;
      const v = d * xc + e * yc + f;
      if (u < 0 || u >= width || v < 0 || v >= height) {
        for (let k = 0; k < channels; k++) data[o + k] = fill[k];
      } else {
        sample(image, u - 0.5, v - 0.5, data, o);
      }
    }
  }
  return { ...image, data };
}

function bilinear(image: RawImage, x: number, y: number, out: Uint8Array, o: number): void {
  const { data, width, height, channels } = image;
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [dx, dy] = [x - left, y - top];
  const x0 = clamped(left, width) * channels;
  const x1 = clamped(left + 1, width) * channels;
  const row0 = clamped(top, height) * width * channels;
  const row1 = clamped(top + 1, height) * width * channels;
  for (let k = 0; k < channels; k++) {
    const upper = line(data[row0 + x0 + k], data[row0 + x1 + k], dx);
    const lower = line(data[row1 + x0 + k], data[row1 + x1 + k], dx);
    out[o + k] = line(upper, lower, dy);
  }
}

function bicubic(image: RawImage, x: number, y: number, out: Uint8Array, o: number): void {
  const { data, width, height, channels } = image;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const dy = y - top;
  const x0 = clamped(left - 1, width) * channels;
  const x1 = clamped(left, width) * channels;
  const x2 = clamped(left + 1, width) * channels;
  const x3 = clamped(left + 2, width) * channels;
  const pitch = width * channels;
  for (let k = 0; k < channels; k++) {
    const at = (row: number): number => {
      const i = clamped(row, height) * pitch + k;
      return dx === 0
        ? data[i + x1]
        : cubic(data[i + x0], data[i + x1], data[i + x2], data[i + x3], dx);
    };
    const value = dy === 0 ? at(top) : cubic(at(top - 1), at(top), at(top + 1), at(top + 2), dy);
    out[o + k] = value <= 0 ? 0 : Math.min(255, value);
  }
}

const line = (from: number, to: number, share: number) => from + (to - from) * share;

/** Between v1 (t = 0) and v2 (t = 1). */
function cubic(v0: number, v1: number, v2: number, v3: number, t: number): number {
  const linear = -v0 + v2;
  const square = 2 * (v0 - v1) + v2 - v3;
  const cube = -v0 + v1 - v2 + v3;
  return v1 + t * (linear + t * (square + t * cube));
}

const clamped = (i: number, size: number) => (i < 0 ? 0 : i >= size ? size - 1 : i);
