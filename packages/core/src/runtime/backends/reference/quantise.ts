import { quantiseGroup } from "../../../program/quantiser.js";
import type { QuantiseStep } from "../../../program/types.js";
import type { StepContext } from "./program.js";

/** The input on a grid of levels: one grid for the image, or one per channel. */
export function quantise({ program, values }: StepContext, step: QuantiseStep): Float32Array {
  const x = values[step.input];
  const [, , channels] = program.values[step.input].shape;
  const acc = new Float32Array(x.length);
  if (step.group === "image") {
    quantiseGroup(x, { start: 0, stride: 1, count: x.length }, step, acc);
    return acc;
  }
  for (let c = 0; c < channels; c++) {
    const group = { start: c, stride: channels, count: x.length / channels };
    quantiseGroup(x, group, step, acc);
  }
  return acc;
}
