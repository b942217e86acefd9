import type { Lowering } from "../onnx/lowering.js";
import { range } from "./range.js";

type Pair = readonly [number, number];

export interface PixelUnfolding {
  readonly images: number;
  /** Channels, height, width. */
  readonly input: readonly [number, number, number];
  readonly output: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  /** Kernel positions in reverse: the kernel turned by 180 degrees. */
  readonly turned?: boolean;
}

/**
 * im2col with channels last, by one Gather of whole pixels: [N, C, H, W] to [N, P, KH * KW * C],
 * P = output height * width, zero padding.
 */
export function lowerUnfoldPixels(l: Lowering, x: string, unfolding: PixelUnfolding): string {
  const { images, input, output, kernel, padding } = unfolding;
  const [c, h, w] = input;
  const [ph, pw] = padding;
  const last = l.transpose(x, [0, 2, 3, 1]);
  const pads = l.ints([0, ph, pw, 0, 0, ph, pw, 0]);
  const padded = ph || pw ? l.emit("Pad", [last, pads]) : last;
  const pixels = l.reshape(padded, [images, (h + 2 * ph) * (w + 2 * pw), c]);
  const gathered = l.emit("Gather", [pixels, l.ints(pixelIndices(unfolding))], { axis: 1 });
  return l.reshape(gathered, [images, output[0] * output[1], kernel[0] * kernel[1] * c]);
}

/** For each output position and kernel position, the pixel of the padded image that it reads. */
function pixelIndices({
  input,
  output,
  kernel,
  stride,
  padding,
  turned,
}: PixelUnfolding): number[] {
  const width = input[2] + 2 * padding[1];
  const taps = range(kernel[0]).flatMap((ky) => range(kernel[1]).map((kx) => ky * width + kx));
  if (turned) taps.reverse();
  return range(output[0]).flatMap((y) =>
    range(output[1]).flatMap((x) => {
      const corner = y * stride[0] * width + x * stride[1];
      return taps.map((tap) => corner + tap);
    }),
  );
}
