/**
 * Binary convolution by popcounts, exact: acc = products - 2 * (positions whose bits differ).
 *
 *   for each 4 pixels of the block, each tile of 8 output channels: acc[pixel] = start[border class]
 *     for each run of neighbouring words (a row of the kernel; 1x1: all of it), 31 words at a time
 *       for each word k, pixel:  differ[pixel] += popcount_i8x16(broadcast(x[pixel][k]) ^ w[k][8 outputs])
 *       acc[pixel] -= 2 * (sum of the 4 bytes of differ[pixel] that belong to an output)
 *     dst[pixel] = float(acc[pixel])
 *
 * Tile: 4 pixels x 8 output channels x 32 input channels. Weights: [group][tile][run][word][8 x u32].
 * The last pixels of a block repeat, the last tile is filled up with zeros: no other variant needed.
 * Cost per 128 multiply-adds: 3 instructions of WebAssembly (xor, popcnt, add; popcnt is 6 on x86
 * before AVX-512 and 1 on NEON), 1/4 load of w and 1/2 broadcast of x.
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * 3x3 with 64 to 512 channels 134-156, with 32 110, 1x1 with 64 / 256 / 1024 channels 81 / 119 / 139
 * (10^9 multiply-adds per second). That is near the bound of three vector ports for 8 instructions
 * per 128; short reductions pay for setting up a tile.
 */
import { POPCOUNT_TILE } from "./agreed";
import { BinaryLayer, listPixels } from "./binary-layer";
import { blockStart, Instruction, storeLanes } from "./instruction";

/** Words whose counts of differing bits (8 at most, per byte) fit into a byte. */
const CHUNK: usize = 31 * 4;

/** s: BinaryLayer. */
export function popcountConv(i: Instruction, firstRow: i32, rows: i32): void {
  const conv = changetype<BinaryLayer>(i.s);
  const pixels = rows * i.width;
  const list = listPixels(conv, firstRow, rows, i.width);
  const dst = blockStart(i, firstRow * i.width);
  for (let p = 0; p < pixels; p += 4) fourPixels(conv, list, p, pixels - 1, dst, i.dstPixel);
}

/** acc - 2 * (sum of the 4 bytes that belong to each output channel). */
@inline
function subtractTwice(acc: v128, bytes: v128): v128 {
  const pairs = i16x8.extadd_pairwise_i8x16_u(bytes);
  return i32x4.add(acc, i32x4.dot_i16x8_s(pairs, i16x8.splat(-2)));
}

@inline
function count(sum: v128, x: v128, w: v128): v128 {
  return i8x16.add(sum, i8x16.popcnt(v128.xor(x, w)));
}

/** All output channels of the pixels p to p + 3, none past the last. */
function fourPixels(
  conv: BinaryLayer,
  list: usize,
  p: i32,
  last: i32,
  dst: usize,
  dstPixel: usize,
): void {
  const p1 = min(p + 1, last);
  const p2 = min(p + 2, last);
  const p3 = min(p + 3, last);
  const e0 = list + (<usize>p << 3);
  const e1 = list + (<usize>p1 << 3);
  const e2 = list + (<usize>p2 << 3);
  const e3 = list + (<usize>p3 << 3);
  const dst0 = dst + <usize>p * dstPixel;
  const dst1 = dst + <usize>p1 * dstPixel;
  const dst2 = dst + <usize>p2 * dstPixel;
  const dst3 = dst + <usize>p3 * dstPixel;
  const start0 = load<usize>(e0, 4);
  const start1 = load<usize>(e1, 4);
  const start2 = load<usize>(e2, 4);
  const start3 = load<usize>(e3, 4);
  const runBytes = conv.runBytes;
  const runOffsets = conv.runOffsets;
  const runsEnd = runOffsets + (<usize>conv.runs << 2);
  const groupOut = conv.groupOut;
  const zero = i32x4.splat(0);
  let w = conv.weights;
  let channel: usize = 0;
  for (let g = 0; g < conv.groups; g++) {
    const group = <usize>g * conv.groupBytes;
    const window0 = load<usize>(e0) + group;
    const window1 = load<usize>(e1) + group;
    const window2 = load<usize>(e2) + group;
    const window3 = load<usize>(e3) + group;
    for (let lanes = groupOut; lanes > 0; lanes -= POPCOUNT_TILE) {
      let a0 = v128.load(start0 + channel), a1 = v128.load(start0 + channel, 16);
      let a2 = v128.load(start1 + channel), a3 = v128.load(start1 + channel, 16);
      let a4 = v128.load(start2 + channel), a5 = v128.load(start2 + channel, 16);
      let a6 = v128.load(start3 + channel), a7 = v128.load(start3 + channel, 16);
      for (let r = runOffsets; r != runsEnd; r += 4) {
        const offset = load<usize>(r);
        let x0 = window0 + offset;
        let x1 = window1 + offset;
        let x2 = window2 + offset;
        let x3 = window3 + offset;
        const runEnd = x0 + runBytes;
        while (x0 != runEnd) {
          const end = min(runEnd, x0 + CHUNK);
          let d0 = zero, d1 = zero, d2 = zero, d3 = zero, d4 = zero, d5 = zero, d6 = zero, d7 = zero;
          while (x0 != end) {
            const w0 = v128.load(w);
            const w1 = v128.load(w, 16);
            let x = v128.load32_splat(x0);
            d0 = count(d0, x, w0);
            d1 = count(d1, x, w1);
            x = v128.load32_splat(x1);
            d2 = count(d2, x, w0);
            d3 = count(d3, x, w1);
            x = v128.load32_splat(x2);
            d4 = count(d4, x, w0);
            d5 = count(d5, x, w1);
            x = v128.load32_splat(x3);
            d6 = count(d6, x, w0);
            d7 = count(d7, x, w1);
            x0 += 4;
            x1 += 4;
            x2 += 4;
            x3 += 4;
            w += 32;
          }
          a0 = subtractTwice(a0, d0);
          a1 = subtractTwice(a1, d1);
          a2 = subtractTwice(a2, d2);
          a3 = subtractTwice(a3, d3);
          a4 = subtractTwice(a4, d4);
          a5 = subtractTwice(a5, d5);
          a6 = subtractTwice(a6, d6);
          a7 = subtractTwice(a7, d7);
        }
      }
      storePixel(dst0 + channel, a0, a1, lanes);
      storePixel(dst1 + channel, a2, a3, lanes);
      storePixel(dst2 + channel, a4, a5, lanes);
      storePixel(dst3 + channel, a6, a7, lanes);
      channel += <usize>min(lanes, POPCOUNT_TILE) << 2;
    }
  }
}

@inline
function storePixel(dst: usize, low: v128, high: v128, lanes: i32): void {
  if (lanes >= 8) {
    v128.store(dst, f32x4.convert_i32x4_s(low));
    v128.store(dst, f32x4.convert_i32x4_s(high), 16);
    return;
  }
  storeLanes(dst, f32x4.convert_i32x4_s(low), lanes);
  if (lanes > 4) storeLanes(dst + 16, f32x4.convert_i32x4_s(high), lanes - 4);
}
