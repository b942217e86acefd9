/**
 * Canonical weights laid out for the kernels, once, when a program is loaded.
 *
 *   tileWords:    [group][tile of 8 outputs][kernel position][word of 32 channels][8 outputs]
 *   tileLongs:    [group][2 outputs][run][64 bits of it][2 outputs]
 *   tileNibbles:  [group][tile of 32 outputs][run][three nibbles][2 x 16 outputs][nibble]
 *                 [16 outputs, in the order of outputOf]
 *   borderStarts: [row class][column class][output] int32 = products + correct * (sum of the weights
 *                 at the kernel positions outside)
 *
 * Canonical: per output a row of kernel positions and channels, one bit each, filled to a byte.
 * Missing channels and outputs are 0 bits; a run that does not fill its threes ends in lookups of 0.
 * Cost of tileNibbles: about 400 instructions per 512 nibbles.
 */
import { FLOAT_TILE, LOOKUP_TILE, POPCOUNT_TILE, SCALAR_TILE } from "./agreed";
import { Instruction } from "./instruction";

@unmanaged
class Tiling {
  /** Canonical weights. Whole words are read: there are bytes behind them. */
  from: usize;
  to: usize;
  /** Bytes of an output's row. */
  rowBytes: usize;
  groups: i32;
  groupOut: i32;
  /** Channels of a group. */
  groupIn: i32;
  /** Kernel positions per run, and runs. */
  runTaps: i32;
  runs: i32;
  /** Scratch: 512 bytes; for borderStarts an int32 per corner of a kernel position. */
  scratch: usize;
}

@unmanaged
class Borders {
  /** (from, to) per class of rows, and of columns: the part of the kernel inside. */
  rows: usize;
  rowClasses: i32;
  columns: usize;
  columnClasses: i32;
  kernelY: i32;
  kernelX: i32;
  products: i32;
  /** What a weight outside counts. */
  correct: i32;
}

/** Up to 32 channels at a bit of a row. */
@inline
function wordAt(row: usize, bit: i32, channels: i32): u32 {
  const word = <u32>(load<u64>(row + (<usize>bit >> 3)) >> (bit & 7));
  return channels < 32 ? word & ((<u32>1 << channels) - 1) : word;
}

/** s: Tiling. */
export function tileWords(i: Instruction): void {
  const t = changetype<Tiling>(i.s);
  const taps = t.runTaps * t.runs;
  let to = t.to;
  for (let g = 0; g < t.groups; g++) {
    for (let o = 0; o < t.groupOut; o += POPCOUNT_TILE) {
      const row = t.from + <usize>(g * t.groupOut + o) * t.rowBytes;
      for (let tap = 0; tap < taps; tap++) {
        for (let c = 0; c < t.groupIn; c += 32) {
          gather(t, row, POPCOUNT_TILE, t.groupOut - o, tap * t.groupIn + c, t.groupIn - c, to);
          to += 32;
        }
      }
    }
  }
}

/** The same word of some neighbouring outputs, 0 where there is none. */
@inline
function gather(t: Tiling, row: usize, outputs: i32, there: i32, bit: i32, channels: i32, to: usize): void {
  for (let o = 0; o < outputs; o++) {
    store<u32>(to, o < there ? wordAt(row, bit, channels) : 0);
    row += t.rowBytes;
    to += 4;
  }
}

/** s: Tiling. */
export function tileLongs(i: Instruction): void {
  const t = changetype<Tiling>(i.s);
  let to = t.to;
  for (let g = 0; g < t.groups; g++) {
    for (let o = 0; o < t.groupOut; o += SCALAR_TILE) {
      const row = t.from + <usize>(g * t.groupOut + o) * t.rowBytes;
      for (let r = 0; r < t.runs; r++) to = longsOfRun(t, row, t.groupOut - o, r, to);
    }
  }
}

/** Words of two outputs, each in the low or the high half of its 64 bits; returns their end. */
function longsOfRun(t: Tiling, row: usize, there: i32, run: i32, to: usize): usize {
  let half: usize = 0;
  for (let tap = run * t.runTaps; tap < (run + 1) * t.runTaps; tap++) {
    for (let c = 0; c < t.groupIn; c += 32) {
      const bit = tap * t.groupIn + c;
      const first = wordAt(row, bit, t.groupIn - c);
      const second = there > 1 ? wordAt(row + t.rowBytes, bit, t.groupIn - c) : 0;
      store<u32>(to + half, first);
      store<u32>(to + half, second, 8);
      to += half << 2;
      half ^= 4;
    }
  }
  if (half == 0) return to;
  store<u32>(to, 0, 4);
  store<u32>(to, 0, 12);
  return to + 16;
}

/** s: Tiling. */
export function tileNibbles(i: Instruction): void {
  const t = changetype<Tiling>(i.s);
  const words = (t.groupIn + 31) >> 5;
  const nibbles = t.runTaps * words * 8;
  const threes = (nibbles + 2) / 3;
  let to = t.to;
  for (let g = 0; g < t.groups; g++) {
    for (let o = 0; o < t.groupOut; o += LOOKUP_TILE) {
      const row = t.from + <usize>(g * t.groupOut + o) * t.rowBytes;
      for (let r = 0; r < t.runs; r++) {
        nibblesOfRun(t, row, t.groupOut - o, r, to);
        nibblesOfRun(t, row + (t.rowBytes << 4), t.groupOut - o - 16, r, to + 48);
        to += <usize>threes * 96;
      }
    }
  }
}

/** 16 outputs. */
function nibblesOfRun(t: Tiling, row: usize, there: i32, run: i32, to: usize): void {
  const whole = there >= 16 && (t.groupIn & 7) == 0;
  let place = 0;
  for (let tap = run * t.runTaps; tap < (run + 1) * t.runTaps; tap++) {
    let c = 0;
    for (; whole && c + 128 <= t.groupIn; c += 128) {
      gatherVectors(t, row + (<usize>(tap * t.groupIn + c) >> 3), t.scratch);
      for (let word = 0; word < 4; word++) {
        storeWord(t.scratch + (<usize>word << 6), to, place);
        place += 8;
      }
    }
    for (; c < t.groupIn; c += 32) {
      gatherLanes(t, row, there, tap * t.groupIn + c, t.groupIn - c, t.scratch);
      transposeWords(t.scratch);
      storeWord(t.scratch, to, place);
      place += 8;
    }
  }
  for (; place % 3 != 0; place++) v128.store(placeOf(to, place), i8x16.splat(-128));
}

/** Bytes 0 to 3 of a word, of 16 outputs each -> its 8 nibbles, low ones first, from `place` on. */
@inline
function storeWord(bytes: usize, to: usize, place: i32): void {
  const three = <i32>(<u32>place * 43691 >> 17);
  const first = placeOf(to, place);
  // The gap behind a three comes before the second, the third or the fourth nibble.
  const second = place - 3 * three == 2 ? first + 48 : first;
  const third = place - 3 * three == 0 ? first : first + 48;
  const low = i8x16.splat(15);
  const a = v128.load(bytes);
  const b = v128.load(bytes, 16);
  const d = v128.load(bytes, 32);
  const e = v128.load(bytes, 48);
  v128.store(first, v128.and(a, low));
  v128.store(second, v128.and(b, low), 16);
  v128.store(third, v128.and(d, low), 32);
  v128.store(first, v128.and(e, low), 96);
  v128.store(second, v128.and(i16x8.shr_u(a, 4), low), 112);
  v128.store(third, v128.and(i16x8.shr_u(b, 4), low), 128);
  v128.store(first, v128.and(i16x8.shr_u(d, 4), low), 192);
  v128.store(second, v128.and(i16x8.shr_u(e, 4), low), 208);
}

/**
 * The same 16 bytes of 16 outputs, transposed: bytes at even places of neighbours first, four times.
 * Loading takes less time than V8 needs for better code, and its first code is slow at shuffles.
 */
@inline
function gatherVectors(t: Tiling, row: usize, rows: usize): void {
  const bytes = t.rowBytes;
  // In the order of outputOf.
  for (let to = rows, end = rows + 256; to != end; to += 64, row += bytes) {
    v128.store(to, v128.load(row));
    v128.store(to, v128.load(row + 8 * bytes), 16);
    v128.store(to, v128.load(row + 4 * bytes), 32);
    v128.store(to, v128.load(row + 12 * bytes), 48);
  }
  evenFirst(rows, rows + 256);
  evenFirst(rows + 256, rows);
  evenFirst(rows, rows + 256);
  evenFirst(rows + 256, rows);
}

function evenFirst(from: usize, to: usize): void {
  const low = i16x8.splat(255);
  for (const end = to + 128; to != end; to += 16) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    v128.store(to, i8x16.narrow_i16x8_u(v128.and(a, low), v128.and(b, low)));
    v128.store(to, i8x16.narrow_i16x8_u(i16x8.shr_u(a, 8), i16x8.shr_u(b, 8)), 128);
    from += 32;
  }
}

/** 16 words -> byte 0 of all, byte 1 of all, ... */
@inline
function transposeWords(words: usize): void {
  const a = byBytes(words);
  const b = byBytes(words + 16);
  const d = byBytes(words + 32);
  const e = byBytes(words + 48);
  storeColumns(a, b, d, e, words, 16);
}

/** Four rows of four lanes, stored column by column, `stride` bytes apart. */
@inline
function storeColumns(a: v128, b: v128, d: v128, e: v128, to: usize, stride: usize): void {
  const low = i64x2.splat(0xffffffff);
  const ab = v128.bitselect(a, i64x2.shl(b, 32), low);
  const ab1 = v128.bitselect(i64x2.shr_u(a, 32), b, low);
  const de = v128.bitselect(d, i64x2.shl(e, 32), low);
  const de1 = v128.bitselect(i64x2.shr_u(d, 32), e, low);
  v128.store_lane<i64>(to, ab, 0);
  v128.store_lane<i64>(to, de, 0, 8);
  to += stride;
  v128.store_lane<i64>(to, ab1, 0);
  v128.store_lane<i64>(to, de1, 0, 8);
  to += stride;
  v128.store_lane<i64>(to, ab, 1);
  v128.store_lane<i64>(to, de, 1, 8);
  to += stride;
  v128.store_lane<i64>(to, ab1, 1);
  v128.store_lane<i64>(to, de1, 1, 8);
}

/** Lanes in the order in which lookup-conv.ts takes its sums apart. */
@inline
function outputOf(lane: i32): i32 {
  return ((lane & 1) << 3) | ((lane & 2) << 1) | (lane >> 2);
}

/** The same word of 16 outputs, 0 where there is none. */
@inline
function gatherLanes(t: Tiling, row: usize, there: i32, bit: i32, channels: i32, to: usize): void {
  for (let lane = 0; lane < 16; lane++) {
    const o = outputOf(lane);
    store<u32>(to, o < there ? wordAt(row + <usize>o * t.rowBytes, bit, channels) : 0);
    to += 4;
  }
}

/** Three nibbles of 16 outputs, then those of the other 16. 43691 / 2^17 divides by 3 up to 98303. */
@inline
function placeOf(to: usize, place: i32): usize {
  return to + (<usize>place << 4) + <usize>(<u32>place * 43691 >> 17) * 48;
}

@inline
function byBytes(words: usize): v128 {
  const w = v128.load(words);
  return v128.shuffle<i8>(w, w, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

/** s: Tiling, t: Borders. */
export function borderStarts(i: Instruction): void {
  const t = changetype<Tiling>(i.s);
  const b = changetype<Borders>(i.t);
  const outputs = t.groups * t.groupOut;
  const outputBytes = <usize>outputs << 2;
  for (let o = 0; o < outputs; o++) {
    if (b.correct) sumCorners(t, b, t.from + <usize>o * t.rowBytes);
    let to = t.to + (<usize>o << 2);
    for (let y = 0; y < b.rowClasses; y++) {
      for (let x = 0; x < b.columnClasses; x++) {
        const outside = b.correct ? outsideOf(t, b, b.rows + (<usize>y << 3), b.columns + (<usize>x << 3)) : 0;
        store<i32>(to, b.products + b.correct * outside);
        to += outputBytes;
      }
    }
  }
}

/** Scratch [kernelY + 1][kernelX + 1]: sums of an output's weights above and left of each position. */
function sumCorners(t: Tiling, b: Borders, row: usize): void {
  const lineBytes = <usize>(b.kernelX + 1) << 2;
  memory.fill(t.scratch, 0, lineBytes);
  let to = t.scratch + lineBytes;
  let tap = 0;
  for (let y = 0; y < b.kernelY; y++) {
    let along = 0;
    store<i32>(to, 0);
    to += 4;
    for (let x = 0; x < b.kernelX; x++) {
      along += tapSum(t, row, tap++);
      store<i32>(to, load<i32>(to - lineBytes) + along);
      to += 4;
    }
  }
}

/** Sum of the weights outside the part of the kernel that a class of rows and one of columns see. */
@inline
function outsideOf(t: Tiling, b: Borders, rows: usize, columns: usize): i32 {
  const left = <usize>load<i32>(columns) << 2;
  const right = <usize>load<i32>(columns, 4) << 2;
  const lineBytes = <usize>(b.kernelX + 1) << 2;
  const top = t.scratch + <usize>load<i32>(rows) * lineBytes;
  const bottom = t.scratch + <usize>load<i32>(rows, 4) * lineBytes;
  const all = load<i32>(t.scratch + <usize>b.kernelY * lineBytes + (<usize>b.kernelX << 2));
  return all - load<i32>(bottom + right) + load<i32>(top + right) + load<i32>(bottom + left) - load<i32>(top + left);
}

/** Sum of the weights of an output at a kernel position. */
@inline
function tapSum(t: Tiling, row: usize, tap: i32): i32 {
  let set = 0;
  let c = 0;
  const first = tap * t.groupIn;
  if ((t.groupIn & 7) == 0) {
    let sums = i32x4.splat(0);
    for (; c + 128 <= t.groupIn; c += 128) {
      const counts = i8x16.popcnt(v128.load(row + (<usize>(first + c) >> 3)));
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts)));
    }
    set = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1)
      + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  }
  for (; c < t.groupIn; c += 32) set += popcnt<u32>(wordAt(row, first + c, t.groupIn - c));
  return 2 * set - t.groupIn;
}

/** s: Tiling with a kernel position per product, rowBytes of floats: [group][tile of 8][product][8]. */
export function tileFloats(i: Instruction): void {
  const t = changetype<Tiling>(i.s);
  const products = t.rowBytes >> 2;
  let to = t.to;
  for (let g = 0; g < t.groups; g++) {
    for (let o = 0; o < t.groupOut; o += FLOAT_TILE) {
      const row = t.from + <usize>(g * t.groupOut + o) * t.rowBytes;
      fourOutputs(row, t.rowBytes, t.groupOut - o, to);
      fourOutputs(row + (t.rowBytes << 2), t.rowBytes, t.groupOut - o - 4, to + 16);
      to += products << 5;
    }
  }
  memory.fill(to, 0, <usize>i.u);
}

/** Rows of 4 outputs as columns; rows that do not exist are 0. */
function fourOutputs(row: usize, rowBytes: usize, there: i32, to: usize): void {
  let c: usize = 0;
  if (there >= 4) {
    for (; c + 16 <= rowBytes; c += 16) {
      const a = v128.load(row + c);
      const b = v128.load(row + rowBytes + c);
      const d = v128.load(row + 2 * rowBytes + c);
      const e = v128.load(row + 3 * rowBytes + c);
      storeColumns(a, b, d, e, to, 32);
      to += 128;
    }
  }
  for (; c < rowBytes; c += 4) {
    for (let o = 0; o < 4; o++) {
      const x: f32 = o < there ? load<f32>(row + <usize>o * rowBytes + c) : 0;
      store<f32>(to + (<usize>o << 2), x);
    }
    to += 32;
  }
}
