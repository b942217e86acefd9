import type { MapShape } from "../program/geometry.js";
import type { BinaryConvStep } from "../program/types.js";

/** A binary convolution of ±1 numbers. */
export interface Convolution
  extends Pick<
    BinaryConvStep,
    "kernel" | "stride" | "padding" | "paddingEnd" | "dilation" | "groups" | "out" | "padValue"
  > {
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

export function outputOf(conv: Omit<Convolution, "weights">) {
  const { input, stride, padding, paddingEnd = padding, out } = conv;
  const along = (axis: 0 | 1) => {
    const padded = padding[axis] + input[axis] + paddingEnd[axis];
    return Math.floor((padded - spanOf(conv, axis)) / stride[axis]) + 1;
  };
  return [along(0), along(1), out] as const satisfies MapShape;
}

/** Rows or columns that a window spans. */
export function spanOf(
  { kernel, dilation = [1, 1] }: Pick<Convolution, "kernel" | "dilation">,
  axis: 0 | 1,
): number {
  return (kernel[axis] - 1) * dilation[axis] + 1;
}

/** Products that add up to one output. */
export function reductionOf({ input, kernel, groups }: Omit<Convolution, "weights">): number {
  return (kernel[0] * kernel[1] * input[2]) / groups;
}

/**
 * The definition, one product after the other, [OH, OW, O]:
 *
 *   y[oy, ox, o] = sum over ky, kx, c of
 *     w[o, ky, kx, c] * x[oy * sy + ky * dy - py, ox * sx + kx * dx - px, c of o's group]
 *
 * with padValue outside the image, or the nearest pixel. It shares no code with any backend.
 */
export function plainConvolution(conv: Convolution, image: Int8Array): Int32Array {
  const { input, kernel, stride, padding, groups, padValue, weights } = conv;
  const [down, across] = conv.dilation ?? [1, 1];
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
            let iy = oy * stride[0] + ky * down - padding[0];
            let ix = ox * stride[1] + kx * across - padding[1];
            if (padValue === "replicate") {
              iy = Math.min(Math.max(iy, 0), height - 1);
              ix = Math.min(Math.max(ix, 0), width - 1);
            }
            const inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
            const pixel = (iy * width + ix) * channels + firstChannel;
            for (let c = 0; c < groupIn; c++) {
              sum += weights[w++] * (inside ? image[pixel + c] : Number(padValue));
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
  const { input, kernel, stride, padding, paddingEnd = padding, groups, out, padValue } = conv;
  const { dilation } = conv;
  return [
    `input ${input.join("x")}`,
    `kernel ${kernel.join("x")}`,
    `stride ${stride.join("x")}`,
    `padding ${padding.join("x")} to ${paddingEnd.join("x")} with ${padValue}`,
    ...(dilation ? [`dilation ${dilation.join("x")}`] : []),
    `${groups} groups`,
    `${out} outputs`,
  ].join(", ");
}
