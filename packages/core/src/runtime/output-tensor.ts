import type { MapShape } from "../program/geometry.js";
import type { FloatTensor } from "./tensor-input.js";

/** A program's output [N, H, W, C] as [N, C, H, W], or [N, C] for vectors. */
export function outputTensor(
  data: Float32Array,
  count: number,
  kind: string,
  shape: MapShape,
): FloatTensor {
  const [height, width, channels] = shape;
  if (kind === "vector") return { shape: [count, channels], data };
  const planes = new Float32Array(data.length);
  const plane = height * width;
  for (let n = 0; n < count; n++)
    for (let i = 0; i < plane; i++)
      for (let c = 0; c < channels; c++) {
        planes[(n * channels + c) * plane + i] = data[(n * plane + i) * channels + c];
      }
  return { shape: [count, channels, height, width], data: planes };
}
