import type { BinaryConvStep, ConvStep, MicroOp, PoolStep, Program, Step } from "./types.js";

/** [H, W, C] of a value or of a step's accumulator. */
export type MapShape = readonly [height: number, width: number, channels: number];

/** Shape of a step's accumulator, and so of everything in its epilogue. */
export function outputShape(program: Pick<Program, "values">, step: Step): MapShape {
  const input = program.values[step.input].shape;
  switch (step.kind) {
    case "binary-conv":
    case "conv":
      return [...windowCounts(input, step), step.out];
    case "pool":
      return [...windowCounts(input, step), input[2]];
    case "linear":
      return [1, 1, step.out];
    case "pointwise":
    case "quantise":
      return input;
    default:
      return step satisfies never;
  }
}

/** floor((size + 2 * padding - kernel) / stride) + 1 along both axes. */
function windowCounts(
  [height, width]: MapShape,
  { kernel, stride, padding }: Pick<ConvStep | PoolStep, "kernel" | "stride" | "padding">,
): [number, number] {
  const count = (size: number, axis: 0 | 1) =>
    Math.floor((size + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
  return [count(height, 0), count(width, 1)];
}

/** Shape of what a micro-op writes, of an accumulator of that shape. */
export function writtenShape(op: MicroOp, [height, width, channels]: MapShape): MapShape {
  if (op[0] === "mean") return [1, 1, channels];
  if (op[0] === "mean-2x2") return [height / 2, width / 2, channels];
  return [height, width, channels];
}

/** Products that add up to one accumulator: KH * KW * C / groups. */
export function reductionLength(
  step: Pick<BinaryConvStep | ConvStep, "kernel" | "groups">,
  channels: number,
): number {
  return (step.kernel[0] * step.kernel[1] * channels) / step.groups;
}

/** Bytes of one output channel's 1-bit weights. */
export function packedRowBytes(step: BinaryConvStep, channels: number): number {
  return Math.ceil(reductionLength(step, channels) / 8);
}

/** Height times width times channels. */
export function elementCount(shape: MapShape): number {
  return shape[0] * shape[1] * shape[2];
}

/** Channels of a value that repeats are a multiple of it: nothing that is read at once crosses the seam. */
export const REPEAT_UNIT = 32;

/** Whether a step of so many channels can load a value of fewer, again and again. */
export function canRepeat(step: Step, channels: number, loaded: number): boolean {
  const grouped = "groups" in step && step.groups > 1;
  return !grouped && loaded % REPEAT_UNIT === 0 && channels % loaded === 0;
}
