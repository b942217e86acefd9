import type { BinaryConvStep } from "../../../program/types.js";

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
  step: Pick<BinaryConvStep, "kernel" | "stride" | "padding">,
  axis: 0 | 1,
  correct: boolean,
): BorderClasses {
  const [kernel, stride, padding] = [step.kernel[axis], step.stride[axis], step.padding[axis]];
  const ranges: [number, number][] = [];
  const classes = new Int32Array(outputs);
  const lastInside = correct ? Math.floor((size + padding - kernel) / stride) : outputs - 1;
  for (let i = 0; i < outputs; ) {
    const first = i * stride - padding;
    const start = correct ? Math.min(kernel, Math.max(0, -first)) : 0;
    const end = correct ? Math.max(start, Math.min(kernel, size - first)) : kernel;
    let known = ranges.findIndex((range) => range[0] === start && range[1] === end);
    if (known < 0) known = ranges.push([start, end]) - 1;
    // From the first window that sees the whole kernel to the last, all are alike.
    const next = start === 0 && end === kernel ? Math.min(lastInside + 1, outputs) : i + 1;
    classes.fill(known, i, next);
    i = next;
  }
  return { ranges, classes };
}
