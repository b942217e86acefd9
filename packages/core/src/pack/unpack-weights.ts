import { packedRowBytes } from "../program/geometry.js";
import type { BinaryConvStep, ConvStep } from "../program/types.js";

/** 1-bit rows (kh, kw, c; c fastest) to -1 and +1, [O, C / groups, KH, KW]. */
export function signsOf(bits: Uint8Array, step: BinaryConvStep, channels: number): Float32Array {
  const rowBytes = packedRowBytes(step, channels);
  return channelsFirst(step, channels / step.groups, (o, i) => {
    const byte = bits[o * rowBytes + (i >> 3)];
    return (byte >> (i & 7)) & 1 ? 1 : -1;
  });
}

/** [O, KH, KW, C / groups] to [O, C / groups, KH, KW]. */
export function planesOf(weights: Float32Array, step: ConvStep, channels: number): Float32Array {
  const rowLength = weights.length / step.out;
  return channelsFirst(step, channels / step.groups, (o, i) => weights[o * rowLength + i]);
}

/** read(o, i): element i, in the order kh, kw, c, of output channel o. */
function channelsFirst(
  { out, kernel }: Pick<ConvStep, "out" | "kernel">,
  channels: number,
  read: (o: number, i: number) => number,
): Float32Array {
  const positions = kernel[0] * kernel[1];
  const result = new Float32Array(out * channels * positions);
  let to = 0;
  for (let o = 0; o < out; o++)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < positions; p++) result[to++] = read(o, p * channels + c);
  return result;
}
