import type { MapShape } from "../program/geometry.js";
import type { BinaryConvStep } from "../program/types.js";

/** A binary convolution of ±1 numbers. */
export interface Convolution
  extends Pick<BinaryConvStep, "kernel" | "stride" | "padding" | "groups" | "out" | "padValue"> {
  /** [H, W, C] */
  readonly input: MapShape;
  /** -1 and +1, [O, KH, KW, C / groups]. */
  readonly weights: Int8Array;
}

/** Convolutions of the same images: one program computes them all. */
export interface ConvolutionBatch {
  readonly input: MapShape;
  /** -1 and +1, [H, W, C] each. */
  readonly images: readonly Int8Array[];
  readonly convolutions: readonly Convolution[];
}

export function outputOf({ input, kernel, stride, padding, out }: Omit<Convolution, "weights">) {
  const along = (axis: 0 | 1) =>
    Math.floor((input[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
  return [along(0), along(1), out] as const satisfies MapShape;
}

/** Products that add up to one output. */
export function reductionOf({ input, kernel, groups }: Omit<Convolution, "weights">): number {
  return (kernel[0] * kernel[1] * input[2]) / groups;
}

/**
 * The definition, one product after the other, [OH, OW, O]:
 *
 *   y[oy, ox, o] = sum over ky, kx, c of w[o, ky, kx, c] * x[oy * sy + ky - py, ox * sx + kx - px, c of o's group]
 *
 * with padValue outside the image. It shares no code with any backend.
 */
export function plainConvolution(conv: Convolution, image: Int8Array): Int32Array {
  const { input, kernel, stride, padding, groups, padValue, weights } = conv;
  const [height, width, channels] = input;
  const [outHeight, outWidth, out] = outputOf(conv);
  const groupIn = channels / groups;
  const groupOut = out / groups;
  const y = new Int32Array(outHeight * outWidth * out);
  let at = 0;
  for (let oy = 0; oy < outHeight; oy++) {
    for (let ox = 0; ox < outWidth; ox++) {
      for (let o = 0; o < out; o++) {
        const firstChannel = Math.floor(o / groupOut) * groupIn;
        let w = o * kernel[0] * kernel[1] * groupIn;
        let sum = 0;
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const iy = oy * stride[0] + ky - padding[0];
            const ix = ox * stride[1] + kx - padding[1];
            const inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
            const pixel = (iy * width + ix) * channels + firstChannel;
            for (let c = 0; c < groupIn; c++) {
              sum += weights[w++] * (inside ? image[pixel + c] : padValue);
            }
          }
        }
        y[at++] = sum;
      }
    }
  }
  return y;
}

/** "6x5x43, kernel 3x3, ...": enough to write the case down again. */
export function describeConvolution(conv: Convolution): string {
  const { input, kernel, stride, padding, groups, out, padValue } = conv;
  return [
    `input ${input.join("x")}`,
    `kernel ${kernel.join("x")}`,
    `stride ${stride.join("x")}`,
    `padding ${padding.join("x")} with ${padValue}`,
    `${groups} groups`,
    `${out} outputs`,
  ].join(", ");
}
