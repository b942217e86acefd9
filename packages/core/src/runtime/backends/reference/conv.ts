import { elementCount, outputShape } from "../../../program/geometry.js";
import type { ConvStep } from "../../../program/types.js";
import type { StepContext } from "./program.js";
import { forEachPixel, forEachPosition } from "./window.js";

/** acc[oy, ox, o] = sum over ky, kx, c of x * w in float32, in that order, padding skipped. */
export function conv({ program, tensors, values }: StepContext, step: ConvStep): Float32Array {
  const input = program.values[step.input].shape;
  const shape = outputShape(program, step);
  const x = values[step.input];
  const weights = tensors[step.weight].data;
  const channels = input[2] / step.groups;
  const outs = step.out / step.groups;
  const rowLength = weights.length / step.out;
  const acc = new Float32Array(elementCount(shape));
  forEachPixel(shape, (oy, ox, offset) => {
    forEachPosition(input, step, oy, ox, (pixel, position) => {
      if (pixel < 0) return;
      for (let o = 0; o < step.out; o++) {
        const row = o * rowLength + position * channels;
        const from = pixel * input[2] + Math.floor(o / outs) * channels;
        let sum = acc[offset + o];
        for (let c = 0; c < channels; c++) {
          sum = Math.fround(sum + Math.fround(x[from + c] * weights[row + c]));
        }
        acc[offset + o] = sum;
      }
    });
  });
  return acc;
}
