import type { MapShape } from "../program/geometry.js";
import {
  type Convolution,
  type ConvolutionBatch,
  outputOf,
  reductionOf,
  spanOf,
} from "./convolution.js";
import { Random } from "./random.js";

/** Convolutions that share their images: enough that compiling does not dominate. */
export const BATCH_SIZE = 32;
const WIDE_BATCH_SIZE = 8;

/** Products per convolution and image: what the definition takes its time for. */
const MAX_PRODUCTS = 60_000;
/** For the few long reductions. */
const MAX_LONG_PRODUCTS = 250_000;
const MAX_WIDE_PRODUCTS = 1_500_000;

/**
 * A batch from a seed; the same batch wherever it is drawn. wide: fewer and larger convolutions, with
 * enough rows and outputs that threads share them, or of the widths that networks have.
 */
export function randomBatch(seed: number, wide = false): ConvolutionBatch {
  const random = new Random(seed);
  const input = wide ? wideInput(random) : randomInput(random);
  const images = [randomSigns(random, sizeOf(input)), secondImage(random, sizeOf(input))];
  const convolutions: Convolution[] = [];
  while (convolutions.length < (wide ? WIDE_BATCH_SIZE : BATCH_SIZE)) {
    const geometry = randomGeometry(random, input, wide);
    if (geometry)
      convolutions.push({ ...geometry, weights: randomWeights(random, geometry, images) });
  }
  return { input, images, convolutions };
}

/** Small images, so that borders are everywhere; now and then very many channels. */
function randomInput(random: Random): MapShape {
  const roll = random.number();
  if (roll < 0.002) return [1, 1, random.int(7000, 9000)];
  if (roll < 0.03) return [random.int(1, 3), random.int(1, 3), random.int(500, 1300)];
  if (roll < 0.08) return [random.int(8, 11), random.int(8, 11), random.int(1, 40)];
  const side = () => (random.chance(0.3) ? random.int(1, 2) : random.int(3, 8));
  return [side(), side(), randomChannels(random)];
}

function wideInput(random: Random): MapShape {
  if (random.chance(0.5)) {
    return [random.int(5, 10), random.int(5, 10), 32 * random.pick([1, 2, 2, 4, 4, 8])];
  }
  return [random.int(12, 40), random.int(12, 40), random.int(1, 40)];
}

function randomChannels(random: Random): number {
  if (random.chance(0.5)) return 32 * random.pick([1, 1, 2, 2, 3, 4, 6, 8]);
  return random.chance(0.5) ? random.int(1, 100) : 2 * random.int(1, 50);
}

type Geometry = Omit<Convolution, "weights">;

/** Undefined where the kernel does not fit or the definition would take too long. */
function randomGeometry(random: Random, input: MapShape, wide: boolean): Geometry | undefined {
  const long = input[2] >= 500;
  const kernel = random.pair(() => random.pick(long ? [1, 3, 3] : [1, 1, 2, 3, 3, 3, 4, 5, 7]));
  const dilation = random.chance(0.2) ? random.pair(() => random.int(1, 3)) : undefined;
  const spans = [spanOf({ kernel, dilation }, 0), spanOf({ kernel, dilation }, 1)] as const;
  const padding = randomPadding(random, input, spans);
  const depthwise = input[2] > 1 && random.chance(0.06);
  const grouped = random.chance(0.4) && input[2] > 1;
  const groups = depthwise ? input[2] : grouped ? random.pick(divisors(input[2])) : 1;
  const geometry = {
    input,
    kernel,
    padding,
    ...(random.chance(0.2) && { paddingEnd: randomPadding(random, input, spans) }),
    groups,
    stride: random.pair(() => random.pick([1, 1, 1, 2, 2, 3])),
    out: groups,
    padValue: random.chance(0.1) ? ("replicate" as const) : random.pick([0, 1, -1] as const),
    ...(dilation && { dilation }),
  };
  const perOutput = products(geometry) / groups;
  const budget = wide ? MAX_WIDE_PRODUCTS : long ? MAX_LONG_PRODUCTS : MAX_PRODUCTS;
  const most = budget / (perOutput * groups);
  if (most < 1) return undefined;
  if (depthwise) return geometry;
  const wanted = wantedOutputs(random, wide);
  const groupOut = Math.max(1, Math.min(Math.floor(most), Math.ceil(wanted / Math.sqrt(groups))));
  return { ...geometry, out: groups * groupOut };
}

function wantedOutputs(random: Random, wide: boolean): number {
  if (wide && random.chance(0.7)) return 16 * random.int(1, 8);
  return random.chance(0.1) ? random.int(33, 140) : random.int(1, 24);
}

/** At least what lets the kernel fit, often more: windows may lie wholly outside. */
function randomPadding(
  random: Random,
  input: MapShape,
  spans: readonly [number, number],
): [number, number] {
  if (random.chance(0.2) && input[0] >= spans[0] && input[1] >= spans[1]) return [0, 0];
  const along = (axis: 0 | 1) => {
    const least = Math.max(0, Math.ceil((spans[axis] - input[axis]) / 2));
    return random.int(least, Math.max(least, random.pick([1, 2, 2, 4])));
  };
  return [along(0), along(1)];
}

function products(geometry: Geometry): number {
  const [height, width, out] = outputOf(geometry);
  return height * width * out * reductionOf(geometry);
}

/**
 * Each output channel: mostly random; else what makes an accumulator reach an end of its range: one
 * sign, or a window of an image, as it is or turned round.
 */
function randomWeights(
  random: Random,
  geometry: Geometry,
  images: readonly Int8Array[],
): Int8Array {
  const length = reductionOf(geometry);
  const weights = new Int8Array(geometry.out * length);
  const extreme = random.chance(0.3) ? 0.6 : 0.05;
  for (let o = 0; o < geometry.out; o++) {
    const row = weights.subarray(o * length, (o + 1) * length);
    if (!random.chance(extreme)) row.set(randomSigns(random, length));
    else if (random.chance(0.3)) row.fill(random.sign());
    else fillFromWindow(row, random, geometry, o, random.pick(images));
  }
  return weights;
}

function fillFromWindow(
  row: Int8Array,
  random: Random,
  geometry: Geometry,
  output: number,
  image: Int8Array,
): void {
  const { input, kernel, stride, padding, groups, out, padValue } = geometry;
  const [down, across] = geometry.dilation ?? [1, 1];
  const [height, width, channels] = input;
  const [outHeight, outWidth] = outputOf(geometry);
  const top = random.int(0, outHeight - 1) * stride[0] - padding[0];
  const left = random.int(0, outWidth - 1) * stride[1] - padding[1];
  const groupIn = channels / groups;
  const first = Math.floor(output / (out / groups)) * groupIn;
  const turn = random.sign();
  let at = 0;
  for (let ky = 0; ky < kernel[0]; ky++) {
    for (let kx = 0; kx < kernel[1]; kx++) {
      const [y, x] = [top + ky * down, left + kx * across];
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      const pixel = (y * width + x) * channels + first;
      for (let c = 0; c < groupIn; c++) {
        row[at++] = turn * (inside ? image[pixel + c] : Number(padValue) || 1);
      }
    }
  }
}

/** Random, or one sign all over. */
function secondImage(random: Random, size: number): Int8Array {
  if (random.chance(0.5)) return randomSigns(random, size);
  return new Int8Array(size).fill(random.sign());
}

/** 32 signs from each draw. */
function randomSigns(random: Random, count: number): Int8Array {
  const signs = new Int8Array(count);
  let bits = 0;
  for (let i = 0; i < count; i++) {
    if (i % 32 === 0) bits = random.int(0, 2 ** 32 - 1);
    signs[i] = (bits >>> (i % 32)) & 1 ? 1 : -1;
  }
  return signs;
}

const sizeOf = ([height, width, channels]: MapShape) => height * width * channels;

/** Above 1. */
function divisors(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1).filter((d) => d > 1 && n % d === 0);
}
