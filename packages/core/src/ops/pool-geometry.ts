import { OnebitError } from "../errors.js";
import type { Shape } from "../graph/types.js";

type Pair = readonly [number, number];

/** kernel, stride, padding (both sides), each [h, w]. */
export type PoolAttributes = {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
};

/** Output shape of a pooling: [N, C, floor((H + 2p - k) / s) + 1, ...]. */
export function poolShape(x: Shape, { kernel, stride, padding }: PoolAttributes): Shape {
  if (x.length !== 4) throw new OnebitError(`input must be [N, C, H, W], is [${x}]`);
  const size = (axis: 0 | 1) => {
    if (2 * padding[axis] > kernel[axis]) {
      throw new OnebitError(`padding ${padding[axis]}: at most half the kernel (${kernel[axis]})`);
    }
    const out = Math.floor((x[2 + axis] + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
    if (out < 1) {
      throw new OnebitError(`window ${kernel.join("x")} is larger than the padded ${x[2]}x${x[3]}`);
    }
    return out;
  };
  return [x[0], x[1], size(0), size(1)];
}

/** Calls visit(xOffset, yOffset) for every position inside every window; padded ones are skipped. */
export function forEachWindow(
  x: Shape,
  attrs: PoolAttributes,
  visit: (x: number, y: number) => void,
): void {
  const { kernel, stride, padding } = attrs;
  const [, , height, width] = x;
  const [n, c, outHeight, outWidth] = poolShape(x, attrs);
  for (let map = 0; map < n * c; map++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++)
        for (let ky = 0; ky < kernel[0]; ky++) {
          const iy = oy * stride[0] + ky - padding[0];
          if (iy < 0 || iy >= height) continue;
          for (let kx = 0; kx < kernel[1]; kx++) {
            const ix = ox * stride[1] + kx - padding[1];
            if (ix < 0 || ix >= width) continue;
            visit((map * height + iy) * width + ix, (map * outHeight + oy) * outWidth + ox);
          }
        }
}

export function onnxPoolAttributes({ kernel, stride, padding }: PoolAttributes) {
  return { kernel_shape: kernel, strides: stride, pads: [...padding, ...padding] };
}

/** A pooling and its gradient agree on shapes. */
export function checkPoolGradient(g: Shape, input: Shape, attrs: PoolAttributes): void {
  const wanted = poolShape(input, attrs);
  if (wanted.join() === g.join()) return;
  throw new OnebitError(`gradient must be [${wanted}], is [${g}]`);
}
