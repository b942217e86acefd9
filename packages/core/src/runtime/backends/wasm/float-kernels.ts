import { type MapShape, shuffledFrom } from "../../../program/geometry.js";
import type { ConvStep, LinearStep, PoolStep, ShuffleStep } from "../../../program/types.js";
import { FLOAT_TILE, LINEAR_TILE, type Records } from "./agreed.js";
import type { OutputRange } from "./channel-ranges.js";
import type { Instruction, Operand } from "./instruction.js";
import { at, type MemoryPlan, type Place } from "./memory-plan.js";
import { firstPixel, type ValueLayout } from "./value-layout.js";

export function compileConv(
  plan: MemoryPlan,
  step: ConvStep,
  weight: Float32Array,
  source: ValueLayout,
  dst: Operand,
): Instruction {
  const [height, width, channels] = source.value.shape;
  const table: Records["Conv"] = [
    source.place,
    source.pixelBytes,
    height,
    width,
    ...step.kernel,
    ...step.stride,
    ...step.padding,
    step.groups,
    channels / step.groups,
    step.out / step.groups,
    tileFloats(plan, weight, step.groups, step.out),
  ];
  return { op: "conv", channels: step.out, dst, s: plan.constant(table) };
}

/** The instruction for each range of outputs. */
export function compileLinear(
  plan: MemoryPlan,
  step: LinearStep,
  weight: Float32Array,
  source: ValueLayout,
  ranges: readonly OutputRange[],
): Instruction[] {
  const inputs = source.value.shape[2];
  const a = { place: source.place, pixel: 0, advance: 0 };
  const weights = tileFloats(plan, weight, 1, step.out, LINEAR_TILE / FLOAT_TILE);
  return ranges.map(({ first, count, dst }) => {
    const s = at(weights, first * inputs * 4);
    return { op: "linear", channels: count, dst, a, s, t: inputs };
  });
}

/** Fewer are done before threads meet. */
const PARALLEL_PRODUCTS = 16_384;

export function isLargeLinear({ out }: LinearStep, inputs: number): boolean {
  return out * inputs >= PARALLEL_PRODUCTS;
}

export function compilePool(
  plan: MemoryPlan,
  step: PoolStep,
  source: ValueLayout,
  shape: MapShape,
  dst: Operand,
): Instruction {
  const [height, width] = source.value.shape;
  const window = [...step.kernel, ...step.stride, ...step.padding] as const;
  const place = firstPixel(source);
  const table: Records["Pool"] = [place, height, width, ...window];
  const a = { place, pixel: source.pixelBytes, advance: 0 };
  const bits = source.value.kind === "bits";
  const op = bits ? "bitPool" : step.mode === "max" ? "maxPool" : "averagePool";
  return { op, channels: shape[2], dst, a, s: plan.constant(table), u: source.rowBytes };
}

/** Bytes from a pixel to each number, or bits to each bit; -1: a zero. */
export function compileShuffle(
  plan: MemoryPlan,
  { whole, first, out, dealt }: ShuffleStep,
  source: ValueLayout,
  dst: Operand,
): Instruction {
  const { value, rowBytes, pixelBytes } = source;
  const [height, width, channels] = value.shape;
  const bits = value.kind === "bits";
  const all = whole ? height * width * channels : channels;
  plan.checkSize(4 * out);
  const places = new Int32Array(out).map((_, c) => {
    const from = shuffledFrom(first + c, all, dealt);
    const pixel = Math.floor(from / channels);
    const bytes = Math.floor(pixel / width) * rowBytes + (pixel % width) * pixelBytes;
    const channel = from % channels;
    return from < 0 ? -1 : bits ? 8 * bytes + channel : bytes + 4 * channel;
  });
  const pixels = [firstPixel(source), rowBytes, pixelBytes] as const;
  const runs = plan.constant(bits ? runsOfBits(places) : runsOfNumbers(places));
  const table: Records["Shuffle"] = [...pixels, plan.constant(places), runs, Number(bits)];
  return { op: "shuffle", channels: out, dst, s: plan.constant(table) };
}

/** Every `step`-th place of a unit, `apart` from the one before. */
function follow(unit: Int32Array, first: number, step: number, apart: number): boolean {
  for (let i = first + step; i < unit.length; i += step)
    if (unit[i] !== unit[i - step] + apart) return false;
  return unit[first] >= 0;
}

/** What each unit of channels is, of those that are whole: see kernels/shuffle.ts. */
function runsOf(
  places: Int32Array,
  size: number,
  find: (unit: Int32Array) => readonly [number, number],
): Int32Array {
  const runs = new Int32Array(2 * Math.ceil(places.length / size)).fill(-1);
  for (let first = 0; first + size <= places.length; first += size)
    runs.set(find(places.subarray(first, first + size)), (2 * first) / size);
  return runs;
}

const runsOfNumbers = (places: Int32Array) =>
  runsOf(places, 4, (unit) => [follow(unit, 0, 1, 4) ? unit[0] : -1, -1]);

const runsOfBits = (places: Int32Array) =>
  runsOf(places, 32, (unit) => {
    if (follow(unit, 0, 1, 1)) return [unit[0], -1];
    const dealt = follow(unit, 0, 2, 1) && follow(unit, 1, 2, 1);
    return dealt ? [unit[0], unit[1]] : [-1, -1];
  });

/** Weights laid out at a time: what they pass through stays in the cache. */
const STAGED_BYTES = 2 ** 18;

/**
 * [O, products] -> [group][tile of 8 outputs][products][8 outputs]; missing outputs are 0. All tiles
 * together are filled up to a multiple of `multiple`.
 */
function tileFloats(
  plan: MemoryPlan,
  weight: Float32Array,
  groups: number,
  out: number,
  multiple = 1,
): Place {
  const products = weight.length / out;
  const tileBytes = FLOAT_TILE * products * 4;
  const tiles = groups * Math.ceil(out / groups / FLOAT_TILE);
  const missing = (Math.ceil(tiles / multiple) * multiple - tiles) * tileBytes;
  const to = plan.reserve(tiles * tileBytes + missing);
  const staged = groups > 1 ? out : FLOAT_TILE * Math.ceil(STAGED_BYTES / tileBytes);
  for (let first = 0; first < out; first += staged) {
    const end = Math.min(first + staged, out);
    const rows = weight.subarray(first * products, end * products);
    plan.prepare(rows, 0, (from) => {
      const tile = at(to, (first / FLOAT_TILE) * tileBytes);
      const outputs = [groups, (end - first) / groups] as const;
      const table: Records["Tiling"] = [from, tile, products * 4, ...outputs, 0, 0, 0, 0];
      const u = end === out ? missing : 0;
      return [{ op: "tileFloats", channels: 0, s: plan.constant(table), u }];
    });
  }
  return to;
}
