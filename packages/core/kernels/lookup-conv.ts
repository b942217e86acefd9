/**
 * Binary convolution by table lookup, two pixels at a time, exact.
 *
 *   table[a + 16 b][w] = popcount(a ^ w) + 16 * popcount(b ^ w)       256 tables of 16 bytes
 *
 *   for each tile of 32 output channels, each 2 pairs of pixels (p, p + 1 of a row)
 *     for each run of neighbouring nibbles (a row of the kernel; 1x1: all of it), 21 threes at a time
 *       for each three nibbles, each pair, each 16 outputs
 *         s = sum of the 3 lookups table[nibbles of the pair][w[16 outputs]]       both halves <= 12
 *         total += s;  high += s >> 4
 *       low = total - 16 * high, widened to 16 bits and added up, and so is high
 *     dst[pixel] = float(start - 2 * differences)
 *
 * A swizzle looks up 16 outputs for 4 channels of 2 pixels: 128 multiply-adds.
 * Tile: 4 pixels x 32 output channels x 12 input channels. Weights: [group][tile of 32][run]
 * [three nibbles][2 x 16 outputs][nibble][16], a byte per nibble; where a run does not fill its
 * threes, 0x80: a lookup of 0.
 * Cost per 384 multiply-adds: 3 swizzles (2 instructions each on x86, 1 where relaxed), 6 others,
 * 1/2 load of a table per swizzle, and one of weights (relaxed: 1/2).
 * Measured (node kernels/measure.mjs binary lookup; V8 of Node 20, then of Node 24, relaxed; shared AMD Zen 5
 * core, 1 thread, best run): 3x3 with 64 to 512 channels 252-285, 364-403, with 32 222, 288; 1x1 with 64 / 256
 * / 1024 channels 135 / 233 / 243, 160 / 306 / 345 (10^9 multiply-adds per second). Three vector ports and
 * 12 instructions per 384 bound it at 96 multiply-adds per cycle, relaxed 128; short reductions pay
 * for the end of a tile.
 */
import { LOOKUP_TILE, PAIR_BYTES, SUMS_BYTES, TABLES_ADDRESS, THREE_BYTES } from "./agreed";
import { BinaryLayer } from "./binary-layer";
import { blockStart, Instruction, own, storeLanes } from "./instruction";

@unmanaged
class Pair {
  window: usize;
  start0: usize;
  start1: usize;
  dst0: usize;
  dst1: usize;
}

/** s: BinaryLayer; its scratch: SUMS_BYTES of sums, then a Pair per pair of the block, and one more. */
export function lookupConv(i: Instruction, firstRow: i32, rows: i32): void {
  const conv = changetype<BinaryLayer>(i.s);
  const first = own(conv.scratch) + SUMS_BYTES;
  const end = listPairs(conv, i, first, firstRow, rows);
  const tileBytes = (conv.runBytes << 4) * <usize>conv.runs;
  let weights = conv.weights;
  let channel: usize = 0;
  for (let g = 0; g < conv.groups; g++) {
    const group = <usize>g * conv.groupBytes;
    for (let lanes = conv.groupOut; lanes > 0; lanes -= LOOKUP_TILE) {
      for (let at = first; at < end; at += 2 * PAIR_BYTES) twoPairs(conv, at, weights, group, channel, lanes);
      weights += tileBytes;
      channel += <usize>min(lanes, LOOKUP_TILE) << 2;
    }
  }
}

/** An even number of pairs; returns their end. */
function listPairs(conv: BinaryLayer, i: Instruction, at: usize, firstRow: i32, rows: i32): usize {
  const first = at;
  let dst = blockStart(i, firstRow * i.width);
  for (let y = firstRow; y < firstRow + rows; y++) {
    const rowClass = conv.starts + load<usize>(conv.rowClasses + (<usize>y << 2));
    let window = conv.input + <usize>y * conv.rowAdvance;
    for (let x = 0; x < i.width; x += 2) {
      const pair = changetype<Pair>(at);
      const columns = conv.columnClasses + (<usize>x << 2);
      // The last pixel of an odd row is its own neighbour: it is stored after it.
      const alone = x + 1 == i.width;
      pair.window = window;
      pair.start0 = rowClass + load<usize>(columns);
      pair.start1 = alone ? pair.start0 : rowClass + load<usize>(columns, 4);
      pair.dst0 = dst;
      pair.dst1 = alone ? dst : dst + i.dstPixel;
      dst = pair.dst1 + i.dstPixel;
      window += conv.columnAdvance << 1;
      at += PAIR_BYTES;
    }
  }
  if (((at - first) / PAIR_BYTES) & 1) {
    memory.copy(at, at - PAIR_BYTES, PAIR_BYTES);
    at += PAIR_BYTES;
  }
  return at;
}

@inline
function lookUp(nibbles: usize, w: v128): v128 {
  // The address is part of the load.
  const table = v128.load(nibbles, TABLES_ADDRESS);
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, w) : i8x16.swizzle(table, w);
}

@inline
function three(n0: usize, n1: usize, n2: usize, w0: v128, w1: v128, w2: v128): v128 {
  return i8x16.add(i8x16.add(lookUp(n0, w0), lookUp(n1, w1)), lookUp(n2, w2));
}

@inline
function highHalf(s: v128): v128 {
  return v128.and(i16x8.shr_u(s, 4), i8x16.splat(15));
}

/** Sums of 16 outputs of a pair: [first, second pixel][even, odd bytes] 16 bits each. */
@inline
function addUp(sums: usize, total: v128, high: v128, first: bool): void {
  const low = i8x16.sub(total, v128.and(i16x8.shl(high, 4), i8x16.splat(-16)));
  const mask = i16x8.splat(255);
  addTo(sums, v128.and(low, mask), first);
  addTo(sums + 16, i16x8.shr_u(low, 8), first);
  addTo(sums + 32, v128.and(high, mask), first);
  addTo(sums + 48, i16x8.shr_u(high, 8), first);
}

@inline
function addTo(sum: usize, counts: v128, first: bool): void {
  v128.store(sum, first ? counts : i16x8.add(v128.load(sum), counts));
}

/** Adds the differences of a pair's nibbles from `at` to `end` to its sums of 32 outputs. */
@inline
function addPair(at: usize, end: usize, w: usize, sums: usize, first: bool): void {
  const zero = i32x4.splat(0);
  let t0 = zero, t1 = zero, h0 = zero, h1 = zero;
  while (at != end) {
    const n0 = <usize>load<u16>(at), n1 = <usize>load<u16>(at, 2), n2 = <usize>load<u16>(at, 4);
    let s = three(n0, n1, n2, v128.load(w), v128.load(w, 16), v128.load(w, 32));
    t0 = i8x16.add(t0, s);
    h0 = i8x16.add(h0, highHalf(s));
    s = three(n0, n1, n2, v128.load(w, 48), v128.load(w, 64), v128.load(w, 80));
    t1 = i8x16.add(t1, s);
    h1 = i8x16.add(h1, highHalf(s));
    at += THREE_BYTES;
    w += 96;
  }
  addUp(sums, t0, h0, first);
  addUp(sums + 128, t1, h1, first);
}

/** The same of two pairs in one loop: half the loads of weights, but 15 registers at best. */
@inline
function addBoth(a: usize, apart: usize, end: usize, w: usize, sums: usize, first: bool): void {
  const zero = i32x4.splat(0);
  let t0 = zero, t1 = zero, t2 = zero, t3 = zero;
  let h0 = zero, h1 = zero, h2 = zero, h3 = zero;
  while (a != end) {
    const b = a + apart;
    const a0 = <usize>load<u16>(a), a1 = <usize>load<u16>(a, 2), a2 = <usize>load<u16>(a, 4);
    const b0 = <usize>load<u16>(b), b1 = <usize>load<u16>(b, 2), b2 = <usize>load<u16>(b, 4);
    let w0 = v128.load(w), w1 = v128.load(w, 16), w2 = v128.load(w, 32);
    let s = three(a0, a1, a2, w0, w1, w2);
    t0 = i8x16.add(t0, s);
    h0 = i8x16.add(h0, highHalf(s));
    s = three(b0, b1, b2, w0, w1, w2);
    t1 = i8x16.add(t1, s);
    h1 = i8x16.add(h1, highHalf(s));
    w0 = v128.load(w, 48);
    w1 = v128.load(w, 64);
    w2 = v128.load(w, 80);
    s = three(a0, a1, a2, w0, w1, w2);
    t2 = i8x16.add(t2, s);
    h2 = i8x16.add(h2, highHalf(s));
    s = three(b0, b1, b2, w0, w1, w2);
    t3 = i8x16.add(t3, s);
    h3 = i8x16.add(h3, highHalf(s));
    a += THREE_BYTES;
    w += 96;
  }
  addUp(sums, t0, h0, first);
  addUp(sums + 64, t1, h1, first);
  addUp(sums + 128, t2, h2, first);
  addUp(sums + 192, t3, h3, first);
}

function twoPairs(conv: BinaryLayer, at: usize, w: usize, group: usize, channel: usize, lanes: i32): void {
  const first = changetype<Pair>(at);
  const second = changetype<Pair>(at + PAIR_BYTES);
  const sums = own(conv.scratch);
  const runBytes = conv.runBytes;
  const partBytes = conv.partBytes;
  const runsEnd = conv.runOffsets + (<usize>conv.runs << 2);
  const apart = second.window - first.window;
  let fresh = true;
  for (let run = conv.runOffsets; run != runsEnd; run += 4) {
    let a = first.window + group + load<usize>(run);
    const runEnd = a + runBytes;
    while (a != runEnd) {
      const end = min(runEnd, a + partBytes);
      // Platforms without relaxed SIMD have older compilers, which load everything first: of two pairs more
      // than 16 registers hold, and V8's stack keeps no vector aligned.
      if (ASC_FEATURE_RELAXED_SIMD) {
        addBoth(a, apart, end, w, sums, fresh);
      } else {
        addPair(a, end, w, sums, fresh);
        addPair(a + apart, end + apart, w, sums + 64, fresh);
      }
      w += (end - a) << 4;
      a = end;
      fresh = false;
    }
  }
  finishPair(second, sums + 64, channel, lanes);
  finishPair(first, sums, channel, lanes);
}

/** 16 outputs lie in sums, the next 16 at 128 bytes from there. */
@inline
function finishPair(pair: Pair, sums: usize, channel: usize, lanes: i32): void {
  finishPixel(pair.dst1 + channel, pair.start1 + channel, sums + 32, lanes);
  finishPixel(pair.dst0 + channel, pair.start0 + channel, sums, lanes);
}

@inline
function finishPixel(dst: usize, start: usize, sums: usize, lanes: i32): void {
  finish16(dst, start, sums, lanes);
  if (lanes > 16) finish16(dst + 64, start + 64, sums + 128, lanes - 16);
}

/** Bytes 0, 4, 8, 12 belong to outputs 0 to 3, bytes 2, 6, .. to the next 4, then 1, 5, .. and 3, 7, .. */
@inline
function finish16(dst: usize, start: usize, sums: usize, lanes: i32): void {
  const even = v128.load(sums);
  const odd = v128.load(sums, 16);
  const r0 = subtractTwice(v128.load(start), even, false);
  const r1 = subtractTwice(v128.load(start, 16), even, true);
  const r2 = subtractTwice(v128.load(start, 32), odd, false);
  const r3 = subtractTwice(v128.load(start, 48), odd, true);
  if (lanes >= 16) {
    v128.store(dst, r0);
    v128.store(dst, r1, 16);
    v128.store(dst, r2, 32);
    v128.store(dst, r3, 48);
    return;
  }
  storeLanes(dst, r0, lanes);
  if (lanes > 4) storeLanes(dst + 16, r1, lanes - 4);
  if (lanes > 8) storeLanes(dst + 32, r2, lanes - 8);
  if (lanes > 12) storeLanes(dst + 48, r3, lanes - 12);
}

/** start - 2 * every other count: a product with -2 of one half of each pair. */
@inline
function subtractTwice(start: v128, counts: v128, second: bool): v128 {
  const factors = second ? i16x8(0, -2, 0, -2, 0, -2, 0, -2) : i16x8(-2, 0, -2, 0, -2, 0, -2, 0);
  return f32x4.convert_i32x4_s(i32x4.add(start, i32x4.dot_i16x8_s(counts, factors)));
}
