import type { MapShape } from "../../../program/geometry.js";
import type { BinaryConvStep, Program } from "../../../program/types.js";
import { type BinaryConvKernel, classKey } from "./kernel-choice.js";

/** What fastest-kernels.ts found out in this process: every program that is compiled from then on uses it. */
export const measuredKernels = new Map<string, BinaryConvKernel>();

/** Binary convolutions that one kernel computes fastest, by one of them. */
export interface ShapeClass {
  readonly step: BinaryConvStep;
  /** [H, W, C]. */
  readonly input: MapShape;
}

/** The shape classes of a program that have not been measured, each once. */
export function unmeasuredClasses({ values, steps }: Program): ShapeClass[] {
  const classes = new Map<string, ShapeClass>();
  for (const step of steps) {
    if (step.kind !== "binary-conv") continue;
    const input = values[step.input].shape;
    const key = classKey(step, input);
    if (!measuredKernels.has(key)) classes.set(key, { step, input });
  }
  return [...classes.values()];
}
