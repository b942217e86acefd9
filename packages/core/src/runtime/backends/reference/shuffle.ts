import { elementCount, outputShape, shuffledFrom } from "../../../program/geometry.js";
import type { ShuffleStep } from "../../../program/types.js";
import type { StepContext } from "./program.js";

/** Channels in another order, pixel by pixel, or of the whole value as one pixel. */
export function shuffle({ program, values }: StepContext, step: ShuffleStep): Float32Array {
  const shape = outputShape(program, step);
  const pixels = shape[0] * shape[1];
  const x = values[step.input];
  const channels = x.length / pixels;
  const acc = new Float32Array(elementCount(shape));
  for (let p = 0, i = 0; p < pixels; p++)
    for (let c = 0; c < step.out; c++) {
      const from = shuffledFrom(step.first + c, channels, step.dealt);
      acc[i++] = from < 0 ? 0 : x[p * channels + from];
    }
  return acc;
}
