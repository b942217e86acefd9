import { elementCount, outputShape } from "../../../program/geometry.js";
import type { PoolStep } from "../../../program/types.js";
import type { StepContext } from "./program.js";
import { forEachPixel, forEachPosition } from "./window.js";

/** Window maximum, or mean over the whole window with padding as zeros. */
export function pool({ program, values }: StepContext, step: PoolStep): Float32Array {
  const input = program.values[step.input].shape;
  const shape = outputShape(program, step);
  const channels = shape[2];
  const x = values[step.input];
  const acc = new Float32Array(elementCount(shape));
  const isMax = step.mode === "max";
  if (isMax) acc.fill(Number.NEGATIVE_INFINITY);
  forEachPixel(shape, (oy, ox, offset) => {
    forEachPosition(input, step, oy, ox, (pixel) => {
      if (pixel < 0) return;
      for (let c = 0; c < channels; c++) {
        const value = x[pixel * channels + c];
        if (!isMax) acc[offset + c] += value;
        else if (value > acc[offset + c]) acc[offset + c] = value;
      }
    });
  });
  if (isMax) return acc;
  const area = step.kernel[0] * step.kernel[1];
  return acc.map((sum) => sum / area);
}
