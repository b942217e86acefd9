import {
  type BinaryConvStep,
  type ConvStep,
  type LinearStep,
  type MapShape,
  outputShape,
  type PoolStep,
  type Program,
  type ProgramTensors,
  type QuantiseStep,
} from "onebit/program";
import { noInteger } from "./no-integer.js";
import type { Column, IntegerStep } from "./types.js";

/** From a value to accumulators [H, W, C]: whole numbers below 2^53. */
export type Kernel = (input: ArrayLike<number>) => ArrayLike<number>;

/** What makes the accumulators of a step. */
export function kernelOf(
  program: Program,
  tensors: ProgramTensors,
  { step, weights, zero, clip }: IntegerStep,
): Kernel {
  const shape = program.values[step.input].shape;
  const out = outputShape(program, step);
  switch (step.kind) {
    case "binary-conv":
      return binaryConv(step, shape, out, tensors[step.weight].data as Uint8Array);
    case "conv":
      return (input) => conv(step, shape, out, input, weights!, zero);
    case "linear":
      return (input) => linear(step, input, weights!);
    case "pool":
      return (input) => pool(step, shape, out, input);
    case "quantise":
      return (input) => quantise(step, shape, input, clip!);
    case "pointwise":
      return (input) => input;
    case "shuffle":
      throw noInteger(step);
    default:
      return step satisfies never;
  }
}

/** `visit` every position of every window: pixel is -1 outside of the map. */
function eachPosition(
  { kernel, stride, padding }: Pick<ConvStep, "kernel" | "stride" | "padding">,
  [height, width]: MapShape,
  [rows, columns]: MapShape,
  visit: (output: number, pixel: number, position: number) => void,
): void {
  for (let oy = 0; oy < rows; oy++) {
    for (let ox = 0; ox < columns; ox++) {
      for (let ky = 0; ky < kernel[0]; ky++) {
        const y = oy * stride[0] + ky - padding[0];
        for (let kx = 0; kx < kernel[1]; kx++) {
          const x = ox * stride[1] + kx - padding[1];
          const isInside = y >= 0 && y < height && x >= 0 && x < width;
          visit(oy * columns + ox, isInside ? y * width + x : -1, ky * kernel[1] + kx);
        }
      }
    }
  }
}

/** Windows and rows of weights as 32-bit words, position by position; padding that counts for nothing is masked out. */
function binaryConv(
  step: BinaryConvStep,
  shape: MapShape,
  out: MapShape,
  bits: Uint8Array,
): Kernel {
  const channels = shape[2] / step.groups;
  const outs = step.out / step.groups;
  const each = Math.ceil(channels / 32);
  const length = step.kernel[0] * step.kernel[1] * each;
  const weights = weightWords(step, bits, channels, each);
  return (input) => {
    const { words, masks, counts } = windowsOf(step, shape, out, input);
    const acc = new Int32Array(out[0] * out[1] * step.out);
    for (let output = 0; output < counts.length; output++) {
      const products = counts[output] * channels;
      for (let o = 0; o < step.out; o++) {
        const window = (output * step.groups + Math.floor(o / outs)) * length;
        const row = o * length;
        let ones = 0;
        for (let i = 0; i < length; i++) {
          ones += popcount((words[window + i] ^ weights[row + i]) & masks[window + i]);
        }
        acc[output * step.out + o] = products - 2 * ones;
      }
    }
    return acc;
  };
}

/** The bits that each output looks at, which of them count, and from how many positions they come. */
function windowsOf(step: BinaryConvStep, shape: MapShape, out: MapShape, input: ArrayLike<number>) {
  const channels = shape[2] / step.groups;
  const each = Math.ceil(channels / 32);
  const length = step.kernel[0] * step.kernel[1] * each;
  const pixels = pixelWords(input, shape, step.groups);
  const words = new Int32Array(out[0] * out[1] * step.groups * length);
  const masks = new Int32Array(words.length);
  const counts = new Int32Array(out[0] * out[1]);
  const last = channels % 32 ? 2 ** (channels % 32) - 1 : -1;
  eachPosition(step, shape, out, (output, pixel, position) => {
    if (pixel < 0 && step.padValue === 0) return;
    counts[output]++;
    for (let group = 0; group < step.groups; group++) {
      const to = (output * step.groups + group) * length + position * each;
      const from = (pixel * step.groups + group) * each;
      for (let i = 0; i < each; i++) {
        masks[to + i] = i === each - 1 ? last : -1;
        const outside = step.padValue === 1 ? -1 : 0;
        words[to + i] = pixel < 0 ? outside : pixels[from + i];
      }
    }
  });
  return { words, masks, counts };
}

function popcount(word: number): number {
  let x = word;
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function pixelWords(input: ArrayLike<number>, shape: MapShape, groups: number): Int32Array {
  const channels = shape[2] / groups;
  const each = Math.ceil(channels / 32);
  const words = new Int32Array(shape[0] * shape[1] * groups * each);
  for (let part = 0; part < words.length / each; part++) {
    for (let c = 0; c < channels; c++) {
      if (input[part * channels + c] > 0) words[part * each + (c >> 5)] |= 1 << (c & 31);
    }
  }
  return words;
}

function weightWords(
  { kernel, out }: BinaryConvStep,
  bits: Uint8Array,
  channels: number,
  each: number,
): Int32Array {
  const positions = kernel[0] * kernel[1];
  const rowBytes = bits.length / out;
  const words = new Int32Array(out * positions * each);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < positions * channels; i++) {
      const bit = (bits[o * rowBytes + (i >> 3)] >> (i & 7)) & 1;
      const c = i % channels;
      words[(o * positions + (i - c) / channels) * each + (c >> 5)] |= bit << (c & 31);
    }
  }
  return words;
}

function conv(
  step: ConvStep,
  shape: MapShape,
  out: MapShape,
  input: ArrayLike<number>,
  weights: Int8Array | Int16Array,
  zero?: Column,
): Float64Array {
  const channels = shape[2] / step.groups;
  const outs = step.out / step.groups;
  const row = step.kernel[0] * step.kernel[1] * channels;
  const acc = new Float64Array(out[0] * out[1] * step.out);
  eachPosition(step, shape, out, (output, pixel, position) => {
    if (pixel < 0 && !zero) return;
    const from = pixel < 0 ? zero! : input;
    const start = pixel < 0 ? 0 : pixel * shape[2];
    for (let o = 0; o < step.out; o++) {
      const first = start + Math.floor(o / outs) * channels;
      const weight = o * row + position * channels;
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += from[first + c] * weights[weight + c];
      acc[output * step.out + o] += sum;
    }
  });
  return acc;
}

function linear(
  step: LinearStep,
  input: ArrayLike<number>,
  weights: Int8Array | Int16Array,
): Float64Array {
  return Float64Array.from({ length: step.out }, (_, o) => {
    let sum = 0;
    for (let i = 0; i < input.length; i++) sum += input[i] * weights[o * input.length + i];
    return sum;
  });
}

/** Largest, or the sum: the division is part of the epilogue. */
function pool(step: PoolStep, shape: MapShape, out: MapShape, input: ArrayLike<number>) {
  const channels = shape[2];
  const isMax = step.mode === "max";
  const acc = new Int32Array(out[0] * out[1] * channels).fill(isMax ? -32_768 : 0);
  eachPosition(step, shape, out, (output, pixel) => {
    if (pixel < 0) return;
    for (let c = 0; c < channels; c++) {
      const x = input[pixel * channels + c];
      const at = output * channels + c;
      acc[at] = isMax ? Math.max(acc[at], x) : acc[at] + x;
    }
  });
  return acc;
}

/** low + ((level * range) / levels), level = (x - low) * levels / range, both to the nearest. */
function quantise(
  { bits, group }: QuantiseStep,
  [height, width, channels]: MapShape,
  input: ArrayLike<number>,
  clip: number,
): Int32Array {
  const levels = 2 ** bits - 1;
  const acc = Int32Array.from(input, (x) => Math.max(-clip, Math.min(clip, x)));
  const groups = group === "image" ? 1 : channels;
  for (let g = 0; g < groups; g++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = g; i < height * width * channels; i += groups) {
      low = Math.min(low, acc[i]);
      high = Math.max(high, acc[i]);
    }
    const range = high - low;
    if (range === 0) continue;
    for (let i = g; i < height * width * channels; i += groups) {
      const level = Math.floor(((acc[i] - low) * levels + (range >> 1)) / range);
      acc[i] = low + Math.floor((level * range + (levels >> 1)) / levels);
    }
  }
  return acc;
}
