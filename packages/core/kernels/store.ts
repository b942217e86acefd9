/**
 * A register copied to a range of channels of a value.
 *
 *   for each pixel of the block
 *     for each 4 channels
 *       dst[offset + c] = a[c]        (the last vector: only the channels that exist)
 *
 * Tile: 1 pixel x 4 channels. Cost: a load and a store per 4 elements. A register that is stored
 * whole is written in place by the op that computes it, and never comes here.
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * 0.11 ns per element.
 */
import { Instruction, storeLanes, VECTOR } from "./instruction";

export function copyChannels(i: Instruction, pixels: usize, first: usize): void {
  const channels = i.channels;
  const whole = <usize>(channels >> 2) << 4;
  const rest = channels & 3;
  let dst = i.dst + first * i.dstAdvance;
  let a = i.a + first * i.aAdvance;
  for (let p: usize = 0; p < pixels; p++) {
    for (let c: usize = 0; c < whole; c += VECTOR) v128.store(dst + c, v128.load(a + c));
    if (rest) storeLanes(dst + whole, v128.load(a + whole), rest);
    dst += i.dstPixel;
    a += i.aPixel;
  }
}
