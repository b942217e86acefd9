import type { MapShape } from "../../../program/geometry.js";
import type { ConvStep, LinearStep, PoolStep } from "../../../program/types.js";
import type { Instruction, Operand, RowInstructions } from "./instruction.js";
import type { MemoryPlan, Place } from "./memory-plan.js";
import type { ValueLayout } from "./value-layout.js";

/** Output channels side by side, and how many such tiles linear takes at a time. */
const TILE = 8;
const LINEAR_TILES = 4;

/** Fields of kernels/conv.ts that the kernel itself writes. */
const CONV_STATE: readonly number[] = [0, 0, 0, 0, 0, 0, 0];

export function compileConv(
  plan: MemoryPlan,
  step: ConvStep,
  weight: Float32Array,
  source: ValueLayout,
  dst: Operand,
): Instruction {
  const [height, width, channels] = source.value.shape;
  const table = plan.constant([
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
    ...CONV_STATE,
  ]);
  return { op: "conv", channels: step.out, dst, s: table };
}

/** Groups of outputs are rows that threads share; the accumulator is the first thread's. */
export function compileLinear(
  plan: MemoryPlan,
  step: LinearStep,
  weight: Float32Array,
  source: ValueLayout,
  dst: Operand,
): RowInstructions {
  const inputs = source.value.shape[2];
  const a = { place: source.place, pixel: 0, advance: 0 };
  const s = tileFloats(plan, weight, 1, step.out, LINEAR_TILES);
  const linear: Instruction = { op: "linear", channels: step.out, dst, a, s, t: inputs };
  const rows = Math.ceil(step.out / (TILE * LINEAR_TILES));
  return { instructions: [linear], rows, parallel: step.out * inputs >= PARALLEL_PRODUCTS };
}

/** Fewer are done before threads meet. */
const PARALLEL_PRODUCTS = 16_384;

export function compilePool(
  plan: MemoryPlan,
  step: PoolStep,
  source: ValueLayout,
  shape: MapShape,
  dst: Operand,
): Instruction {
  const [height, width] = source.value.shape;
  const table = plan.constant([
    source.place,
    height,
    width,
    ...step.kernel,
    ...step.stride,
    ...step.padding,
  ]);
  const a = { place: source.place, pixel: source.pixelBytes, advance: 0 };
  const op = step.mode === "max" ? "maxPool" : "averagePool";
  return { op, channels: shape[2], dst, a, s: table };
}

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
  const groupOut = out / groups;
  const tileBytes = TILE * products * 4;
  const tiles = groups * Math.ceil(groupOut / TILE);
  const missing = (Math.ceil(tiles / multiple) * multiple - tiles) * tileBytes;
  const to = plan.reserve(tiles * tileBytes + missing);
  plan.prepare(weight, 0, (from) => {
    const table = [from, to, products * 4, groups, groupOut, 0, 0, 0, 0];
    return [{ op: "tileFloats", channels: 0, s: plan.constant(table), u: missing }];
  });
  return to;
}
