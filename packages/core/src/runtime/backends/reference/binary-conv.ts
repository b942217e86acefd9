import { elementCount, outputShape, packedRowBytes } from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import type { StepContext } from "./program.js";
import { forEachPixel, forEachPosition } from "./window.js";

/** acc[oy, ox, o] = sum over ky, kx, c of x * w, both -1 or +1; padded positions hold padValue. */
export function binaryConv(
  { program, tensors, values }: StepContext,
  step: BinaryConvStep,
): Float32Array {
  const input = program.values[step.input].shape;
  const shape = outputShape(program, step);
  const x = values[step.input];
  const weights = unpack(tensors[step.weight].data as Uint8Array, step, input[2]);
  const channels = input[2] / step.groups;
  const outs = step.out / step.groups;
  const rowLength = weights.length / step.out;
  const padValue = Number(step.padValue);
  const acc = new Float32Array(elementCount(shape));
  forEachPixel(shape, (oy, ox, offset) => {
    forEachPosition(input, step, oy, ox, (pixel, position) => {
      for (let o = 0; o < step.out; o++) {
        const row = o * rowLength + position * channels;
        const from = pixel * input[2] + Math.floor(o / outs) * channels;
        let sum = 0;
        for (let c = 0; c < channels; c++) {
          sum += (pixel < 0 ? padValue : x[from + c]) * weights[row + c];
        }
        acc[offset + o] += sum;
      }
    });
  });
  return acc;
}

/** 1-bit rows to -1 and +1, [O, KH, KW, C / groups]. */
function unpack(bits: Uint8Array, step: BinaryConvStep, channels: number): Int8Array {
  const rowBytes = packedRowBytes(step, channels);
  const rowLength = (step.kernel[0] * step.kernel[1] * channels) / step.groups;
  const weights = new Int8Array(step.out * rowLength);
  for (let i = 0; i < weights.length; i++) {
    const bit = i % rowLength;
    const byte = bits[Math.floor(i / rowLength) * rowBytes + (bit >> 3)];
    weights[i] = (byte >> (bit & 7)) & 1 ? 1 : -1;
  }
  return weights;
}
