import type { BinaryConvStep } from "../../../program/types.js";

export interface BorderClasses {
  /** Part of the kernel inside the image, end exclusive, one per class. */
  readonly ranges: readonly (readonly [start: number, end: number])[];
  /** Class of each output row or column. */
  readonly classes: readonly number[];
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
  const kernel = step.kernel[axis];
  const known = new Map<number, number>();
  const ranges: [number, number][] = [];
  const classes = Array.from({ length: outputs }, (_, i) => {
    const first = i * step.stride[axis] - step.padding[axis];
    const start = correct ? Math.min(kernel, Math.max(0, -first)) : 0;
    const end = correct ? Math.max(start, Math.min(kernel, size - first)) : kernel;
    const key = start * (kernel + 1) + end;
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, ranges.length);
    return ranges.push([start, end]) - 1;
  });
  return { ranges, classes };
}
