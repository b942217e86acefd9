import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import { levelsOf, MAX_QUANTISED_BITS } from "../program/quantiser.js";

/** What the quantisers of activations and of weights share; see program/quantiser.ts. */
export type QuantiseAttributes = {
  readonly bits: number;
  /** Numbers are clipped to [-clip, clip] first, and have no gradient from there on. */
  readonly clip: number;
  /** Groups are indexed by the first `leading` dimensions: 1, one per image or row; 2, one per plane. */
  readonly leading: 1 | 2;
};

export function checkQuantise(shape: Shape, { bits, clip, leading }: QuantiseAttributes): void {
  if (!Number.isInteger(bits) || bits < 1 || bits > MAX_QUANTISED_BITS) {
    throw new OnebitError(`bits ${bits}: must be a whole number from 1 to ${MAX_QUANTISED_BITS}`);
  }
  if (!(clip > 0 && Number.isFinite(clip) && Math.fround(clip) === clip)) {
    throw new OnebitError(`clip ${clip}: must be a positive float32 number`);
  }
  if (leading !== 1 && leading !== 2) throw new OnebitError(`leading ${leading}: must be 1 or 2`);
  if (shape.length <= leading) {
    throw new OnebitError(`[${shape}] has no dimensions behind the first ${leading}`);
  }
}

/** Elements of each group; groups lie one behind another. */
export function groupSize(shape: Shape, leading: number): number {
  return sizeOf(shape.slice(leading));
}

/** Emits the quantiser, the clipping included. */
export function lowerQuantiser(
  l: Lowering,
  x: string,
  shape: Shape,
  { bits, clip, leading }: QuantiseAttributes,
): string {
  const axes = shape.map((_, axis) => axis).slice(leading);
  const levels = l.constant(levelsOf(bits));
  const c = l.emit("Clip", [x, l.constant(-clip), l.constant(clip)]);
  const low = l.emit("ReduceMin", [c], { axes, keepdims: 1 });
  const high = l.emit("ReduceMax", [c], { axes, keepdims: 1 });
  const range = l.emit("Add", [l.emit("Sub", [high, low]), l.constant(1e-8)]);
  return lowerGrid(l, c, { low, range, levels });
}

/** Emits the nearest of `levels` + 1 numbers from `low` to low + range; all three are values. */
export function lowerGrid(
  l: Lowering,
  x: string,
  { low, range, levels }: { low: string; range: string; levels: string },
): string {
  const fraction = l.emit("Div", [l.emit("Sub", [x, low]), range]);
  const code = lowerRound(l, l.emit("Mul", [fraction, levels]));
  return l.emit("Add", [l.emit("Mul", [l.emit("Div", [code, levels]), range]), low]);
}

/** Round half to even. WebGPU has no Round: floor(x), one more above a half and at odd halves. */
export function lowerRound(l: Lowering, x: string): string {
  if (l.target !== "webgpu") return l.emit("Round", [x]);
  const [zero, half, one] = [0, 0.5, 1].map((value) => l.constant(value));
  const floor = l.emit("Floor", [x]);
  const rest = l.emit("Sub", [x, floor]);
  const even = l.emit("Mul", [l.emit("Floor", [l.emit("Mul", [floor, half])]), l.constant(2)]);
  const odd = l.emit("Sub", [floor, even]);
  const above = l.emit("Where", [l.emit("Greater", [rest, half]), one, zero]);
  const up = l.emit("Where", [l.emit("Equal", [rest, half]), odd, above]);
  return l.emit("Add", [floor, up]);
}
