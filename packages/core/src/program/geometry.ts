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
    case "shuffle":
      return step.whole ? [1, 1, step.out] : [input[0], input[1], step.out];
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

type Padded = Pick<ConvStep | PoolStep, "padding" | "paddingEnd">;
type Window = Padded & Pick<BinaryConvStep, "kernel" | "stride" | "dilation">;

/** Rows and columns of padding behind the map. */
export function paddingEnd({ padding, paddingEnd = padding }: Padded): readonly [number, number] {
  return paddingEnd;
}

export function isPadded(step: Padded): boolean {
  return Math.max(...step.padding, ...paddingEnd(step)) > 0;
}

/** Rows or columns from the first kernel position to the last, both included. */
export function span(
  { kernel, dilation }: Pick<Window, "kernel" | "dilation">,
  axis: 0 | 1,
): number {
  return dilation ? (kernel[axis] - 1) * dilation[axis] + 1 : kernel[axis];
}

/** floor((size + padding on both sides - span) / stride) + 1 along both axes. */
export function windowCounts(
  [height, width]: readonly [height: number, width: number, ...unknown[]],
  step: Window,
): [number, number] {
  const count = (size: number, axis: 0 | 1) => {
    const padded = size + step.padding[axis] + paddingEnd(step)[axis];
    return Math.floor((padded - span(step, axis)) / step.stride[axis]) + 1;
  };
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

/** Which of so many channels is channel i of the shuffled ones; -1 where there is none. */
export function shuffledFrom(i: number, channels: number, dealt: number): number {
  if (i < 0 || i >= channels) return -1;
  return (i % dealt) * (channels / dealt) + Math.floor(i / dealt);
}

/** Channels of a value that repeats are a multiple of it: nothing that is read at once crosses the seam. */
export const REPEAT_UNIT = 32;

/** Whether a step of so many channels can load a value of fewer, again and again. */
export function canRepeat(step: Step, channels: number, loaded: number): boolean {
  const grouped = "groups" in step && step.groups > 1;
  return !grouped && loaded % REPEAT_UNIT === 0 && channels % loaded === 0;
}

export interface BorderClasses {
  /** Part of the kernel inside the image, end exclusive, one per class. */
  readonly ranges: readonly (readonly [start: number, end: number])[];
  /** Class of each output row or column. */
  readonly classes: Int32Array;
}

/**
 * Output positions along one axis, sorted by which part of the kernel they see:
 *
 *     input        . [ x x x x ] .      kernel 3, padding 1
 *     first output   1 2                sees kernel positions 1 to 3
 *     middle         0 1 2              sees 0 to 3
 *     last             0 1              sees 0 to 2
 *
 * Where nothing is to be corrected, all are one class.
 */
export function borderClasses(
  size: number,
  outputs: number,
  step: Window,
  axis: 0 | 1,
  correct: boolean,
): BorderClasses {
  const [kernel, stride, padding] = [step.kernel[axis], step.stride[axis], step.padding[axis]];
  const apart = step.dilation?.[axis] ?? 1;
  const ranges: [number, number][] = [];
  const classes = new Int32Array(outputs);
  const lastInside = correct
    ? Math.floor((size + padding - span(step, axis)) / stride)
    : outputs - 1;
  /** The first kernel position at or behind a place. */
  const tap = (place: number) => Math.min(kernel, Math.max(0, Math.ceil(place / apart)));
  for (let i = 0; i < outputs; ) {
    const first = i * stride - padding;
    const start = correct ? tap(-first) : 0;
    const end = correct ? Math.max(start, tap(size - first)) : kernel;
    let known = ranges.findIndex((range) => range[0] === start && range[1] === end);
    if (known < 0) known = ranges.push([start, end]) - 1;
    // From the first window that sees the whole kernel to the last, all are alike.
    const next = start === 0 && end === kernel ? Math.min(lastInside + 1, outputs) : i + 1;
    classes.fill(known, i, next);
    i = next;
  }
  return { ranges, classes };
}
