/**
 * Binary convolution by scalar popcounts, exact: acc = products - 2 * (positions whose bits differ).
 *
 *   for each 2 output channels, each 2 pixels of the block
 *     for each run of neighbouring words (a row of the kernel; 1x1: all of it), each 64 bits k of it
 *       for each pixel, output:  differ[pixel][output] += popcnt(x[pixel][k] ^ w[k][output])
 *     dst[pixel][output] = float(start - 2 * differ)
 *
 * Tile: 2 pixels x 2 output channels x 64 input channels. Weights: [group][2 outputs][run][64 bits]
 * [2 x u64]; a run of an odd number of words ends in 32 bits that are 0 on both sides.
 * Cost per 256 multiply-adds: 4 xor, 4 popcnt (one per cycle on x86), 4 adds, 4 loads. Plain integers:
 * a compiler that vectorises this loop makes it slower than i8x16.popcnt (kernels.test.ts looks).
 * Measured (node kernels/measure.mjs binary scalar; V8 of Node 20, shared AVX-512 core, 1 thread, best
 * run): 3x3 with 64 to 512 channels 105-167, with 32 65, 1x1 with 64 / 256 / 1024 channels 32 / 97 / 130
 * (10^9 multiply-adds per second). One popcnt per cycle bounds it at 64 per cycle. It wins where groups
 * have so few outputs that wider tiles are mostly empty.
 */
import { PIXEL_BYTES, SCALAR_TILE } from "./agreed";
import { BinaryLayer, listPixels } from "./binary-layer";
import { blockStart, Instruction } from "./instruction";

/** s: BinaryLayer. */
export function scalarConv(i: Instruction, firstRow: i32, rows: i32): void {
  const conv = changetype<BinaryLayer>(i.s);
  const pixels = rows * i.width;
  const first = listPixels(conv, firstRow, rows, i.width);
  const last = first + <usize>(pixels - 1) * PIXEL_BYTES;
  const start = blockStart(i, firstRow * i.width);
  const pairBytes = <usize>conv.runs * (((conv.runBytes + 7) >> 3) << 4);
  let weights = conv.weights;
  let channel: usize = 0;
  for (let g = 0; g < conv.groups; g++) {
    const group = <usize>g * conv.groupBytes;
    for (let lanes = conv.groupOut; lanes > 0; lanes -= SCALAR_TILE) {
      let dst = start + channel;
      for (let at = first; at <= last; at += 2 * PIXEL_BYTES) {
        twoPixels(conv, at, min(at + PIXEL_BYTES, last), weights, group, channel, dst, i.dstPixel, lanes);
        dst += i.dstPixel << 1;
      }
      weights += pairBytes;
      channel += <usize>min(lanes, SCALAR_TILE) << 2;
    }
  }
}

/** Entries of two pixels, or of the last one twice. */
@inline
function twoPixels(
  conv: BinaryLayer,
  entry0: usize,
  entry1: usize,
  weights: usize,
  group: usize,
  channel: usize,
  dst: usize,
  dstPixel: usize,
  lanes: i32,
): void {
  const window0 = load<usize>(entry0) + group;
  const window1 = load<usize>(entry1) + group;
  const runsEnd = conv.runOffsets + (<usize>conv.runs << 2);
  const whole = conv.runBytes & ~7;
  let w = weights;
  let d00: u64 = 0, d01: u64 = 0, d10: u64 = 0, d11: u64 = 0;
  for (let r = conv.runOffsets; r != runsEnd; r += 4) {
    const offset = load<usize>(r);
    let x0 = window0 + offset;
    let x1 = window1 + offset;
    for (const end = x0 + whole; x0 != end; x0 += 8, x1 += 8, w += 16) {
      const w0 = load<u64>(w);
      const w1 = load<u64>(w, 8);
      const a = load<u64>(x0);
      const b = load<u64>(x1);
      d00 += popcnt<u64>(a ^ w0);
      d01 += popcnt<u64>(a ^ w1);
      d10 += popcnt<u64>(b ^ w0);
      d11 += popcnt<u64>(b ^ w1);
    }
    if (conv.runBytes == whole) continue;
    const w0 = load<u64>(w);
    const w1 = load<u64>(w, 8);
    const a = <u64>load<u32>(x0);
    const b = <u64>load<u32>(x1);
    d00 += popcnt<u64>(a ^ w0);
    d01 += popcnt<u64>(a ^ w1);
    d10 += popcnt<u64>(b ^ w0);
    d11 += popcnt<u64>(b ^ w1);
    w += 16;
  }
  storePair(dst, load<usize>(entry0, 4) + channel, d00, d01, lanes);
  if (entry1 != entry0) storePair(dst + dstPixel, load<usize>(entry1, 4) + channel, d10, d11, lanes);
}

@inline
function storePair(dst: usize, start: usize, first: u64, second: u64, lanes: i32): void {
  store<f32>(dst, <f32>(load<i32>(start) - (<i32>first << 1)));
  if (lanes > 1) store<f32>(dst, <f32>(load<i32>(start, 4) - (<i32>second << 1)), 4);
}
