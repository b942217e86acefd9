import type { PointwiseStep } from "../../../program/types.js";
import type { StepContext } from "./program.js";

/** The accumulator is the input, bits as -1 and +1. */
export function pointwise({ values }: StepContext, step: PointwiseStep): Float32Array {
  return new Float32Array(values[step.input]);
}
