/**
 * Fully connected layer, float32.
 *
 *   for each 32 outputs (4 tiles of 8)
 *     for each input i, in order
 *       acc[o] = acc[o] + x[i] * w[o / 8][i][o % 8]       x[i] broadcast; mul then add
 *
 * Tile: 1 pixel x 32 outputs, so that 8 independent sums hide the latency of an add.
 * Weights: [tile of 8 outputs][input][8], outputs filled up with zeros to a multiple of 32.
 * Cost per 128 multiply-adds: 32 loads, 4 broadcasts, 32 mul, 32 add.
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * 1024 -> 1000 9.3 (its 4 MB of weights come from beyond the second-level cache), 64 -> 16 5.0
 * (10^9 multiply-adds per second).
 */
import { blockStart, Instruction, storeLanes } from "./instruction";

/** a: x, s: weights, t: inputs, channels: outputs. */
export function linear(i: Instruction): void {
  const inputs = i.t;
  const tileBytes = inputs << 5;
  const end = i.a + (inputs << 2);
  let tile = i.s;
  let dst = blockStart(i, 0);
  for (let left = i.channels; left > 0; left -= 32) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    let w0 = tile;
    let w1 = w0 + tileBytes;
    let w2 = w1 + tileBytes;
    let w3 = w2 + tileBytes;
    for (let a = i.a; a != end; a += 4) {
      const x = v128.load32_splat(a);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(w0)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(w0, 16)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(w1)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(w1, 16)));
      s4 = f32x4.add(s4, f32x4.mul(x, v128.load(w2)));
      s5 = f32x4.add(s5, f32x4.mul(x, v128.load(w2, 16)));
      s6 = f32x4.add(s6, f32x4.mul(x, v128.load(w3)));
      s7 = f32x4.add(s7, f32x4.mul(x, v128.load(w3, 16)));
      w0 += 32;
      w1 += 32;
      w2 += 32;
      w3 += 32;
    }
    storeLanes(dst, s0, left);
    if (left > 4) storeLanes(dst + 16, s1, left - 4);
    if (left > 8) storeLanes(dst + 32, s2, left - 8);
    if (left > 12) storeLanes(dst + 48, s3, left - 12);
    if (left > 16) storeLanes(dst + 64, s4, left - 16);
    if (left > 20) storeLanes(dst + 80, s5, left - 20);
    if (left > 24) storeLanes(dst + 96, s6, left - 24);
    if (left > 28) storeLanes(dst + 112, s7, left - 28);
    dst += 128;
    tile += tileBytes << 2;
  }
}
