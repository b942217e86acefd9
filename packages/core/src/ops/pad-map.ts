import { type Shape, sizeOf, type Tensor } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import type { EvaluateContext } from "./op.js";

type Pair = readonly [number, number];

/** Shape of a map [N, C, H, W] after padding [h, w] on both sides. */
export function paddedShape([n, c, h, w]: Shape, padding: Pair): Shape {
  return [n, c, h + 2 * padding[0], w + 2 * padding[1]];
}

/** A map surrounded by `value`. */
export function padMap(x: Tensor, padding: Pair, value: number, context: EvaluateContext): Tensor {
  const shape = paddedShape(x.shape, padding);
  const [, , height, width] = x.shape;
  const data = context.array(sizeOf(shape)).fill(value);
  for (let row = 0; row < x.data.length / width; row++) {
    const map = Math.floor(row / height);
    const to = map * shape[2] + (row % height) + padding[0];
    data.set(x.data.subarray(row * width, (row + 1) * width), to * shape[3] + padding[1]);
  }
  return { shape, data };
}

/** ONNX Pad of the last two axes of a value of rank 4: [top, left, bottom, right]; negative crops. */
export function lowerPad(
  l: Lowering,
  x: string,
  [top, left, bottom, right]: readonly [number, number, number, number],
  value = 0,
): string {
  if (!top && !left && !bottom && !right) return x;
  const pads = l.ints([0, 0, top, left, 0, 0, bottom, right]);
  return l.emit("Pad", value ? [x, pads, l.constant(value)] : [x, pads]);
}
