import { OnebitError } from "../errors.js";
import type { Shape } from "../graph/types.js";

/** stride [h, w], padding [h, w] on both sides, groups. Weights are [O, I / groups, KH, KW]. */
export type ConvAttributes = {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
};

/** dilation [h, w]: from one kernel position to the next; [1, 1] where absent. */
export type DilatedConvAttributes = ConvAttributes & {
  readonly dilation?: readonly [number, number];
};

/** Output shape of a convolution: [N, O, floor((H + 2p - d (k - 1) - 1) / s) + 1, ...]. */
export function convShape(x: Shape, w: Shape, attrs: DilatedConvAttributes): Shape {
  const { stride, padding, groups, dilation = [1, 1] } = attrs;
  if (x.length !== 4) throw new OnebitError(`input must be [N, C, H, W], is [${x}]`);
  if (w.length !== 4) throw new OnebitError(`weight must be [O, I, KH, KW], is [${w}]`);
  const [n, c] = x;
  const [o, i] = w;
  if (c !== i * groups) {
    throw new OnebitError(
      `input has ${c} channels, the weight wants ${i * groups} (${groups} groups)`,
    );
  }
  if (o % groups) throw new OnebitError(`${o} output channels do not split into ${groups} groups`);
  if (!dilation.every((d) => Number.isSafeInteger(d) && d > 0)) {
    throw new OnebitError(`dilation [${dilation}] must be two positive whole numbers`);
  }
  const size = (axis: 0 | 1) => {
    const span = (w[2 + axis] - 1) * dilation[axis] + 1;
    const out = Math.floor((x[2 + axis] + 2 * padding[axis] - span) / stride[axis]) + 1;
    if (out < 1) {
      const apart = dilation.some((d) => d > 1) ? `, dilated by ${dilation.join("x")},` : "";
      throw new OnebitError(
        `kernel ${w[2]}x${w[3]}${apart} is larger than the padded input ${x[2]}x${x[3]}`,
      );
    }
    return out;
  };
  return [n, o, size(0), size(1)];
}

/**
 * Calls visit(xOffset, wOffset, yOffset) for every multiply-accumulate of a convolution; padded
 * positions are skipped. The one loop behind conv and its two gradients in the oracle.
 */
export function forEachMac(
  x: Shape,
  w: Shape,
  attrs: DilatedConvAttributes,
  visit: (x: number, w: number, y: number) => void,
): void {
  const { stride, padding, groups, dilation = [1, 1] } = attrs;
  const [batch, channels, height, width] = x;
  const [outs, ins, kh, kw] = w;
  const [, , outHeight, outWidth] = convShape(x, w, attrs);
  const outsPerGroup = outs / groups;
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outs; o++)
      for (let i = 0; i < ins; i++) {
        const channel = Math.floor(o / outsPerGroup) * ins + i;
        for (let oy = 0; oy < outHeight; oy++)
          for (let ky = 0; ky < kh; ky++) {
            const iy = oy * stride[0] + ky * dilation[0] - padding[0];
            if (iy < 0 || iy >= height) continue;
            for (let ox = 0; ox < outWidth; ox++)
              for (let kx = 0; kx < kw; kx++) {
                const ix = ox * stride[1] + kx * dilation[1] - padding[1];
                if (ix < 0 || ix >= width) continue;
                visit(
                  ((n * channels + channel) * height + iy) * width + ix,
                  ((o * ins + i) * kh + ky) * kw + kx,
                  ((n * outs + o) * outHeight + oy) * outWidth + ox,
                );
              }
          }
      }
}
