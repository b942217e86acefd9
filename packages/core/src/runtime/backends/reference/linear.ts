import type { LinearStep } from "../../../program/types.js";
import type { StepContext } from "./program.js";

/** acc[o] = sum over i of x[i] * w[o, i] in float32, in the order of i. */
export function linear({ tensors, values }: StepContext, step: LinearStep): Float32Array {
  const x = values[step.input];
  const weights = tensors[step.weight].data;
  const acc = new Float32Array(step.out);
  for (let o = 0; o < step.out; o++) {
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      sum = Math.fround(sum + Math.fround(x[i] * weights[o * x.length + i]));
    }
    acc[o] = sum;
  }
  return acc;
}
