import type { MapShape } from "../../../program/geometry.js";
import type { ConvStep, LinearStep, PoolStep } from "../../../program/types.js";
import type { Instruction, Operand } from "./instruction.js";
import type { MemoryPlan } from "./memory-plan.js";
import type { ValueLayout } from "./value-layout.js";

/** Output channels side by side, and what linear takes at a time. */
const TILE = 8;
const LINEAR_TILE = 32;

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
    plan.constant(tileFloats(weight, step.groups, step.out, TILE)),
    ...CONV_STATE,
  ]);
  return { op: "conv", channels: step.out, dst, s: table };
}

export function compileLinear(
  plan: MemoryPlan,
  step: LinearStep,
  weight: Float32Array,
  source: ValueLayout,
  dst: Operand,
): Instruction {
  const a = { place: source.place, pixel: 0, advance: 0 };
  const padded = Math.ceil(step.out / LINEAR_TILE) * LINEAR_TILE;
  const tiled = new Float32Array(padded * source.value.shape[2]);
  tiled.set(tileFloats(weight, 1, step.out, TILE));
  const s = plan.constant(tiled);
  return { op: "linear", channels: step.out, dst, a, s, t: source.value.shape[2] };
}

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

/** [O, products] -> [group][tile of outputs][products][outputs of the tile]; missing ones are 0. */
function tileFloats(
  weight: Float32Array,
  groups: number,
  out: number,
  tileSize: number,
): Float32Array {
  const products = weight.length / out;
  const groupOut = out / groups;
  const tiles = Math.ceil(groupOut / tileSize);
  const tiled = new Float32Array(groups * tiles * products * tileSize);
  for (let o = 0; o < out; o++) {
    const group = Math.floor(o / groupOut);
    const within = o - group * groupOut;
    const tile = group * tiles + Math.floor(within / tileSize);
    let at = tile * products * tileSize + (within % tileSize);
    for (let i = 0; i < products; i++, at += tileSize) tiled[at] = weight[o * products + i];
  }
  return tiled;
}
