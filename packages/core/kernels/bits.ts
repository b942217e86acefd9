/**
 * Floats to bits and back.
 *
 *   for each pixel of the block
 *     for each 32 channels
 *       word = 8 compares of 4 floats with t[c], narrowed to one mask of 32 bits
 *       or it into the value's words at bit (offset + c)
 *
 * Tile: 1 pixel x 32 channels. Cost: 8 loads, 8 loads of t, 8 compares, 8 to narrow per 32.
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * 0.13 ns per element.
 * A value is cleared before its first bits are written, so what nobody writes (border, tail) is 0,
 * and every store is an "or".
 */
import { Instruction } from "./instruction";

@inline
function compare(a: usize, t: usize, atEquality: bool): v128 {
  const x = v128.load(a);
  const y = v128.load(t);
  return atEquality ? f32x4.ge(x, y) : f32x4.gt(x, y);
}

/** 16 channels -> 16 bits. */
@inline
function mask16(a: usize, t: usize, atEquality: bool): u32 {
  const low = i16x8.narrow_i32x4_s(compare(a, t, atEquality), compare(a + 16, t + 16, atEquality));
  const high = i16x8.narrow_i32x4_s(
    compare(a + 32, t + 32, atEquality),
    compare(a + 48, t + 48, atEquality),
  );
  return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

/** Fewer than 32 channels -> that many bits. */
@inline
function maskTail(a: usize, t: usize, channels: i32, atEquality: bool): u32 {
  let word: u32 = 0;
  for (let c = 0; c < channels; c += 4) {
    const quad = <u32>i32x4.bitmask(compare(a + (<usize>c << 2), t + (<usize>c << 2), atEquality));
    word |= quad << c;
  }
  return word & ((<u32>1 << channels) - 1);
}

@inline
function orWord(address: usize, word: u32, shift: u32): void {
  store<u32>(address, load<u32>(address) | (word << shift));
  if (shift == 0) return;
  const high = word >> (32 - shift);
  if (high != 0) store<u32>(address, load<u32>(address, 4) | high, 4);
}

@inline
function thresholdPixel(dst: usize, a: usize, t: usize, channels: i32, shift: u32, atEquality: bool): void {
  let left = channels;
  while (left >= 32) {
    const word = mask16(a, t, atEquality) | (mask16(a + 64, t + 64, atEquality) << 16);
    orWord(dst, word, shift);
    a += 128;
    t += 128;
    dst += 4;
    left -= 32;
  }
  if (left > 0) orWord(dst, maskTail(a, t, left, atEquality), shift);
}

@inline
function thresholdBlock(i: Instruction, firstRow: i32, rows: i32, atEquality: bool): void {
  const offset = <usize>i.t;
  let a = i.a + <usize>(firstRow * i.width) * i.aAdvance;
  let row = i.dst + <usize>firstRow * i.dstAdvance + ((offset >> 5) << 2);
  for (let y = 0; y < rows; y++) {
    let dst = row;
    for (let x = 0; x < i.width; x++) {
      thresholdPixel(dst, a, i.s, i.channels, <u32>offset & 31, atEquality);
      dst += i.dstPixel;
      a += i.aPixel;
    }
    row += i.dstAdvance;
  }
}

/** s: thresholds, t: bit offset of channel 0, u: 1 where equality gives +1. */
export function threshold(i: Instruction, firstRow: i32, rows: i32): void {
  if (i.u) thresholdBlock(i, firstRow, rows, true);
  else thresholdBlock(i, firstRow, rows, false);
}

/** Bits as -1 and +1. */
export function loadBits(i: Instruction, firstRow: i32, rows: i32): void {
  const lane = i32x4(1, 2, 4, 8);
  let dst = i.dst + <usize>(firstRow * i.width) * i.dstAdvance;
  let row = i.a + <usize>firstRow * i.aAdvance;
  for (let y = 0; y < rows; y++) {
    let a = row;
    for (let x = 0; x < i.width; x++) {
      for (let c = 0; c < i.channels; c += 4) {
        const word = load<u32>(a + ((<usize>c >> 5) << 2)) >> (c & 31);
        const set = i32x4.eq(v128.and(i32x4.splat(word), lane), lane);
        v128.store(dst + (<usize>c << 2), v128.bitselect(f32x4.splat(1), f32x4.splat(-1), set));
      }
      a += i.aPixel;
      dst += i.dstPixel;
    }
    row += i.aAdvance;
  }
}

/** dst: the value's first byte, u: its size. */
export function clear(i: Instruction): void {
  memory.fill(i.dst, 0, <usize>i.u);
}

/** A bit image whose groups do not start at words, copied so that each group does. */
@unmanaged
class Regroup {
  from: usize;
  to: usize;
  pixels: i32;
  fromPixel: usize;
  toPixel: usize;
  groups: i32;
  /** Channels per group. */
  channels: i32;
  /** Bytes of a group in `to`. */
  groupBytes: usize;
}

/** s: Regroup. Border pixels are copied like all others (they are 0). */
export function regroup(i: Instruction): void {
  const r = changetype<Regroup>(i.s);
  memory.fill(r.to, 0, <usize>r.pixels * r.toPixel);
  for (let p = 0; p < r.pixels; p++) {
    const from = r.from + <usize>p * r.fromPixel;
    let to = r.to + <usize>p * r.toPixel;
    let bit = 0;
    for (let g = 0; g < r.groups; g++) {
      copyBits(from, bit, to, r.channels);
      bit += r.channels;
      to += r.groupBytes;
    }
  }
}

/** `count` bits from bit `bit` of `from` to bit 0 of `to`, which is all 0. */
@inline
function copyBits(from: usize, bit: i32, to: usize, count: i32): void {
  for (let done = 0; done < count; done += 32) {
    const n = min(32, count - done);
    const at = bit + done;
    const shift = at & 31;
    const address = from + ((<usize>at >> 5) << 2);
    let word = load<u32>(address) >> shift;
    if (shift + n > 32) word |= load<u32>(address, 4) << (32 - shift);
    if (n < 32) word &= (<u32>1 << n) - 1;
    store<u32>(to + (<usize>done >> 3), word);
  }
}
