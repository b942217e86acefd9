/**
 * Binary convolution. The words of a window, 32 channels each (of a group), one kernel position after
 * another, four to a quad:
 *
 *   acc[pixel, c] = start[class of pixel, c] - 2 * sum over k of ones(window[pixel, k] xor weights[k, c])
 *
 * What lies outside the map is read as 0, which is -1; start has the number of products, and puts right
 * what that got wrong: (padValue + 1) * (sum of the weights outside). Weights are channel-major, [K, O],
 * so that neighbouring threads read neighbouring quads.
 *
 * Two forms: "tiled", where a workgroup shares windows and weights through its memory, 4 quads deep, and
 * each thread has a block of the tile; and "direct", a thread for each accumulator, for groups of
 * few outputs.
 */
import {
  borderClasses,
  isPadded,
  type MapShape,
  outputShape,
  paddingEnd,
  reductionLength,
} from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import { type Accumulate, windowParams } from "./accumulate.js";
import { bitWords, type Compiling } from "./compiling.js";
import { at, type Params } from "./params.js";
import { windowStarts } from "./window-starts.js";

interface Input {
  readonly compiling: Compiling;
  readonly step: BinaryConvStep;
  readonly params: Params;
}

/** Puts tables and weights in their places, and gives the functions that both forms use. */
export function windowCode({ compiling, step, params }: Input): string {
  const { program, slots, constants, tensors } = compiling;
  const input = program.values[step.input].shape;
  const channels = input[2] / step.groups;
  const words = bitWords(channels);
  const depth = Math.ceil((step.kernel[0] * step.kernel[1] * words) / 4);
  windowParams(program, step, params);
  params.all({ x: at(slots[step.input]), pixelWords: bitWords(input[2]), depth, out: step.out });
  params.all({ groupIn: channels, groupOut: step.out / step.groups });
  const bits = () => tensors[step.weight].data as Uint8Array;
  const key = `${step.weight} ${step.kernel} ${step.groups}`;
  const tapKey = `taps ${step.kernel} ${step.dilation} ${channels}`;
  params.all({
    taps: constants.add(() => taps(step, channels), tapKey) / 4,
    weights: constants.add(() => quadsOf(bits(), step, channels), `quads ${key}`) / 4,
  });
  startParams({ compiling, step, params }, input, bits);
  const window = words % 4 === 0 && channels % 32 === 0 ? wholeQuads : wordByWord;
  const aligned = channels % 32 === 0 || step.groups === 1;
  const word = aligned ? "arena[place] & tap.w" : "acrossWords(place, bit & 31u) & tap.w";
  return `${window(placeOf(step), word)}
fn ones(x: vec4<u32>) -> u32 {
  let counts = countOneBits(x);
  return counts.x + counts.y + counts.z + counts.w;
}
fn finished(sum: u32, pixel: u32, c: u32) -> f32 {
  let border = constant(p.rowClasses + pixel / p.outWidth) + constant(p.columnClasses + pixel % p.outWidth);
  return floats[p.starts + border * p.out + c] - 2.0 * f32(sum);
}
`;
}

/** Of a tap: whether it lies `inside` the map, and the word where its channels begin. */
function placeOf({ padValue }: BinaryConvStep): string {
  const [y, x] = ["Y", "X"].map((axis) => {
    const pixel = axis === "Y" ? "/" : "%";
    const place = `i32(pixel ${pixel} p.outWidth * p.stride${axis}) - i32(p.pad${axis})`;
    const [tap, size] = axis === "Y" ? ["tap.x", "p.height"] : ["tap.y", "p.width"];
    const at = `${place} + i32(${tap})`;
    return padValue === "replicate" ? `clamp(${at}, 0, i32(${size}) - 1)` : at;
  });
  return `
  let iy = u32(${y});
  let ix = u32(${x});
  let inside = iy < p.height && ix < p.width;
  let bit = group * p.groupIn + tap.z;
  let place = base + p.x + (iy * p.width + ix) * p.pixelWords + (bit >> 5u);`;
}

/** Channels in multiples of 128: a quad is of one kernel position. */
const wholeQuads = (place: string) => `
fn windowAt(k: u32, pixel: u32, group: u32) -> vec4<u32> {
  let tap = quads[p.taps + 4u * k];${place}
  if (!inside) { return vec4<u32>(); }
  return vec4(arena[place], arena[place + 1u], arena[place + 2u], arena[place + 3u]);
}`;

/** Others; a group may begin within a word. */
const wordByWord = (place: string, word: string) => `
fn acrossWords(place: u32, shift: u32) -> u32 {
  let rest = select(arena[place + 1u] << (32u - shift), 0u, shift == 0u);
  return (arena[place] >> shift) | rest;
}
fn tapAt(k: u32, pixel: u32, group: u32) -> u32 {
  let tap = quads[p.taps + k];${place}
  if (!inside) { return 0u; }
  return ${word};
}
fn windowAt(k: u32, pixel: u32, group: u32) -> vec4<u32> {
  var quad: vec4<u32>;
  for (var i = 0u; i < 4u; i++) { quad[i] = tapAt(4u * k + i, pixel, group); }
  return quad;
}`;

export function direct(input: Input): Accumulate {
  const code = `${windowCode(input)}
fn accumulate(pixel: u32, c: u32) -> f32 {
  var sum = 0u;
  for (var k = 0u; k < p.depth; k++) {
    sum += ones(windowAt(k, pixel, c / p.groupOut) ^ quads[p.weights + k * p.out + c]);
  }
  return finished(sum, pixel, c);
}
`;
  return { code };
}

/** Of each word of a window: kernel row and column, first channel of the group, and which bits count. */
function taps(
  { kernel: [height, width], dilation = [1, 1] }: BinaryConvStep,
  channels: number,
): Uint32Array {
  const words = bitWords(channels);
  const count = height * width * words;
  const table = new Uint32Array(Math.ceil(count / 4) * 16);
  const tail = channels % 32 === 0 ? 0xffffffff : 2 ** (channels % 32) - 1;
  for (let i = 0; i < count; i++) {
    const position = Math.floor(i / words);
    const word = i % words;
    const mask = word === words - 1 ? tail : 0xffffffff;
    const row = Math.floor(position / width) * dilation[0];
    table.set([row, (position % width) * dilation[1], 32 * word, mask], 4 * i);
  }
  return table;
}

/** Canonical rows as quads [K, O]: each kernel position begins a word. */
function quadsOf(bits: Uint8Array, { kernel, out }: BinaryConvStep, channels: number): Uint32Array {
  const words = bitWords(channels);
  const positions = kernel[0] * kernel[1];
  const depth = Math.ceil((positions * words) / 4);
  const rowBytes = bits.length / out;
  const result = new Uint32Array(depth * out * 4);
  for (let o = 0; o < out; o++) {
    const row = bits.subarray(o * rowBytes, (o + 1) * rowBytes);
    for (let k = 0; k < positions * words; k++) {
      const position = Math.floor(k / words);
      const first = 32 * (k % words);
      const count = Math.min(32, channels - first);
      const word = wordAt(row, position * channels + first, count);
      result[((k >> 2) * out + o) * 4 + (k & 3)] = word;
    }
  }
  return result;
}

/** `count` bits, up to 32, from bit `first`. */
export function wordAt(row: Uint8Array, first: number, count: number): number {
  const byte = first >> 3;
  const shift = first & 7;
  const low = row[byte] | (row[byte + 1] << 8) | (row[byte + 2] << 16) | (row[byte + 3] << 24);
  const high = shift ? row[byte + 4] << (32 - shift) : 0;
  const word = (low >>> shift) | high;
  return count < 32 ? word & ((1 << count) - 1) : word;
}

function startParams(
  { compiling: { constants, program }, step, params }: Input,
  input: MapShape,
  bits: () => Uint8Array,
): void {
  const shape = outputShape(program, step);
  const { weight, kernel, stride, padding, groups, padValue, dilation } = step;
  const correct = isPadded(step) && (padValue === 0 || padValue === 1);
  const rows = borderClasses(input[0], shape[0], step, 0, correct);
  const columns = borderClasses(input[1], shape[1], step, 1, correct);
  const window = [kernel, stride, padding, paddingEnd(step), dilation];
  const key = [weight, ...window, groups, padValue, input].join(" ");
  const starts = () =>
    windowStarts(bits(), step, reductionLength(step, input[2]), rows.ranges, columns.ranges);
  params.all({
    starts: constants.add(starts, `starts ${key}`),
    rowClasses: constants.add(() => rows.classes.map((i) => i * columns.ranges.length)),
    columnClasses: constants.add(() => columns.classes),
  });
}
