import { type Shape, sizeOf, type Tensor } from "../graph/types.js";
import { randomStream } from "./draw.js";

/** A tensor of -1 and +1. */
export function randomSigns(shape: Shape, seed: number): Tensor {
  const random = randomStream(seed);
  return {
    shape,
    data: Float64Array.from({ length: sizeOf(shape) }, () => (random() < 0.5 ? -1 : 1)),
  };
}
