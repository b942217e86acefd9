import { outputShape } from "../program/geometry.js";
import type { BinaryConvStep, Program } from "../program/types.js";
import type { Random } from "./random.js";

/**
 * A bit set behind the last channel in the weights of one output: it never agrees with the 0 of the
 * activations, -2 for every kernel position. Where channels fill words there is nothing behind.
 */
export function addTailError(
  data: Float32Array,
  step: BinaryConvStep,
  program: Program,
  random: Random,
): void {
  const channels = program.values[step.input].shape[2] / step.groups;
  if (channels % 32 === 0) return;
  const channel = random.int(0, step.out - 1);
  const error = -2 * step.kernel[0] * step.kernel[1];
  for (let i = channel; i < data.length; i += step.out) data[i] += error;
}

/** The correction of one channel is off by 2 where the window is cut by the border in one way. */
export function addBorderError(
  data: Float32Array,
  step: BinaryConvStep,
  program: Program,
  random: Random,
): void {
  const [height, width] = outputShape(program, step);
  const image = program.values[step.input].shape;
  const classes = Array.from({ length: height * width }, (_, pixel) => {
    const y = cut(Math.floor(pixel / width), image[0], step, 0);
    const x = cut(pixel % width, image[1], step, 1);
    return y || x ? `${y},${x}` : "";
  });
  const borders = [...new Set(classes)].filter((name) => name !== "");
  if (!borders.length) return;
  const wrong = random.pick(borders);
  const channel = random.int(0, step.out - 1);
  for (let pixel = 0; pixel < data.length / step.out; pixel++) {
    if (classes[pixel % classes.length] === wrong) data[pixel * step.out + channel] += 2;
  }
}

/** Which of the kernel's rows or columns lie inside the image; "" where all do. */
function cut(at: number, size: number, step: BinaryConvStep, axis: 0 | 1): string {
  const start = at * step.stride[axis] - step.padding[axis];
  const apart = step.dilation?.[axis] ?? 1;
  const first = Math.max(0, Math.ceil(-start / apart));
  const end = Math.min(step.kernel[axis], Math.ceil((size - start) / apart));
  if (first === 0 && end === step.kernel[axis]) return "";
  return end <= first ? "outside" : `${first}-${end}`;
}
