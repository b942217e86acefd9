import type { MapShape } from "../../../program/geometry.js";
import type { ConvStep, LinearStep, PoolStep } from "../../../program/types.js";
import { FLOAT_TILE, LINEAR_TILE, type Records } from "./agreed.js";
import type { OutputRange } from "./channel-ranges.js";
import type { Instruction, Operand } from "./instruction.js";
import { at, type MemoryPlan, type Place } from "./memory-plan.js";
import type { ValueLayout } from "./value-layout.js";

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
  const table: Records["Pool"] = [source.place, height, width, ...window];
  const a = { place: source.place, pixel: source.pixelBytes, advance: 0 };
  const op = step.mode === "max" ? "maxPool" : "averagePool";
  return { op, channels: shape[2], dst, a, s: plan.constant(table) };
}

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
