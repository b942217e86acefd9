import type { Shape } from "../graph/types.js";
import { float, type Lowering } from "../onnx/lowering.js";
import { channelShape } from "./checks.js";

/*
 * Passes over a map [N, C, H, W] with one number per channel, in the form that ONNX Runtime's CPU
 * provider does fastest; other targets get plain arithmetic. Measured on two AVX-512 cores, ONNX
 * Runtime 1.30, [64, 64, 28, 28], milliseconds with one thread / two:
 *
 *   x * scale + shift    depthwise Conv 2.3 / 1.3   BatchNormalization 2.2 / 2.3   Mul, Add 4.0 / 2.6
 *   sum of a * b         grouped Conv 0.9 / 0.5     Mul, ReduceSum 4.2 / 2.1
 *
 * BatchNormalization is never threaded, and a grouped convolution costs 75 ns per map: hence the
 * limits on the size of a map.
 */
const LARGE_FOR_AFFINE = 512;
const LARGE_FOR_DOTS = 128;

/** y = x * scale[c] + shift[c]. x: [N, C, H, W]. scale, shift: [C]. */
export function lowerChannelAffine(
  l: Lowering,
  x: string,
  [, c, h, w]: Shape,
  scale: string,
  shift: string,
): string {
  if (l.target !== "cpu") {
    const spread = (vector: string) => l.reshape(vector, channelShape(c, 4));
    return l.emit("Add", [l.emit("Mul", [x, spread(scale)]), spread(shift)]);
  }
  if (h * w >= LARGE_FOR_AFFINE) {
    return l.emit("Conv", [x, l.reshape(scale, [c, 1, 1, 1]), shift], { group: c });
  }
  const [zeros, ones] = [l.constant(0, [c]), l.constant(1, [c])];
  return l.emit("BatchNormalization", [x, scale, shift, zeros, ones], { epsilon: float(0) });
}

/** Sum over each map of a * b: [N, C]. a, b: [N, C, H, W]. */
export function lowerMapDots(l: Lowering, a: string, b: string, shape: Shape): string {
  const [n, c, h, w] = shape;
  if (l.target !== "cpu" || h * w < LARGE_FOR_DOTS) {
    return lowerMapSums(l, l.emit("Mul", [a, b]), shape);
  }
  // Each map of a, as an image of its own channel, convolved with the map of b as its only kernel.
  const image = l.reshape(a, [1, n * c, h, w]);
  const kernels = l.reshape(b, [n * c, 1, h, w]);
  return l.reshape(l.emit("Conv", [image, kernels], { group: n * c }), [n, c]);
}

/** Sum over each map: [N, C]. */
export function lowerMapSums(l: Lowering, x: string, [n, c, h, w]: Shape): string {
  const maps = l.reshape(x, [n, c, h * w]);
  return l.emit("ReduceSum", [maps, l.ints([2])], { keepdims: 0 });
}

/** Sum over the batch: [N, C] to [C]. */
export function lowerBatchSum(l: Lowering, perMap: string): string {
  return l.emit("ReduceSum", [perMap, l.ints([0])], { keepdims: 0 });
}

/** Whether maps are so large that statistics from sums beat the single-threaded operator. */
export function isLargeMap([, , h, w]: Shape): boolean {
  return h * w >= LARGE_FOR_AFFINE;
}
