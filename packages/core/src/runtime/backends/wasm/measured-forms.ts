import type { MapShape } from "../../../program/geometry.js";
import type { BinaryConvStep, Program } from "../../../program/types.js";
import { type BinaryConvForm, formKey } from "./form-choice.js";

/** What form-probe.ts found out in this process: every program that is compiled from then on uses it. */
export const measuredForms = new Map<string, BinaryConvForm>();

/** A shape of binary convolutions. */
export interface ConvShape {
  readonly step: BinaryConvStep;
  /** [H, W, C]. */
  readonly input: MapShape;
}

/** The shapes of a program's binary convolutions that have not been measured, each once. */
export function unmeasuredShapes({ values, steps }: Program): ConvShape[] {
  const shapes = new Map<string, ConvShape>();
  for (const step of steps) {
    if (step.kind !== "binary-conv") continue;
    const input = values[step.input].shape;
    const key = formKey(step, input);
    if (!measuredForms.has(key)) shapes.set(key, { step, input });
  }
  return [...shapes.values()];
}
