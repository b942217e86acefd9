import type { Numbers } from "./weights.js";

/** Rows and columns. */
export type Pair = readonly [number, number];

/** Rows and columns around a map: before the first and behind the last. */
export interface Pads {
  readonly before: Pair;
  readonly after: Pair;
}

export const noPads: Pads = { before: [0, 0], after: [0, 0] };

/** How a window moves over a map. */
export interface Window {
  readonly stride: Pair;
  readonly pads: Pads;
  readonly dilation: Pair;
}

/** A convolution: weight [O, I / groups, KH, KW]. */
export interface Convolution extends Window {
  readonly weight: Numbers;
  readonly groups: number;
}

/** Kernel positions of a window along one axis, from the first to the last. */
const spanOf = (kernel: number, dilation: number) => (kernel - 1) * dilation + 1;

/**
 * TensorFlow's "same" padding: as many outputs as size / stride, rounded up. An odd row goes to the far side.
 */
export function samePads(
  size: Pair,
  kernel: Pair,
  { stride, dilation }: Pick<Window, "stride" | "dilation">,
): Pads {
  const total = ([0, 1] as const).map((axis) => {
    const outputs = Math.ceil(size[axis] / stride[axis]);
    const span = spanOf(kernel[axis], dilation[axis]);
    return Math.max(0, (outputs - 1) * stride[axis] + span - size[axis]);
  });
  const [top, left] = total.map((rows) => Math.floor(rows / 2));
  return { before: [top, left], after: [total[0] - top, total[1] - left] };
}

/** Of real numbers with real weights, or with weights that count by their signs. */
export interface RealConvolution extends Convolution {
  readonly binary?: "signs" | "scaled";
}

/** What a binary convolution has besides: padding after the sign, and whether its weights are scaled. */
export interface BinaryConvolution extends Convolution {
  readonly padValue: 0 | 1 | -1;
  readonly scaled?: boolean;
}
