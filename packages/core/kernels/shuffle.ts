/**
 * Channels of a map or of bits in another order.
 *
 *   for each pixel, each channel c
 *     map:   dst[c] = place[c] < 0 ? 0 : x[place[c]]
 *     bits:  dst's bit c = x's bit place[c]
 *
 * Mostly they are neighbours, or dealt out from two groups: runs[unit] says so of every 32 bits, or 4 numbers.
 *
 * Tile: 1 pixel x 32 bits or 4 numbers of a run, else 1 channel.
 */
import { blockStart, Instruction } from "./instruction";

@unmanaged
class Shuffle {
  /** The first pixel. */
  input: usize;
  rowBytes: usize;
  pixelBytes: usize;
  /** Of each channel: bytes from a pixel's first, or bits; -1 where there is none. */
  places: usize;
  /** Of each unit that has all its channels: two of places. The first alone: a run; both: two that are dealt out; -1: neither. */
  runs: usize;
  bits: i32;
}

/** s: Shuffle. */
export function shuffle(i: Instruction, firstRow: i32, rows: i32): void {
  const s = changetype<Shuffle>(i.s);
  let dst = blockStart(i, firstRow * i.width);
  for (let y = firstRow; y < firstRow + rows; y++) {
    let pixel = s.input + <usize>y * s.rowBytes;
    for (let x = 0; x < i.width; x++) {
      if (s.bits) bitsOf(s, pixel, dst, i.channels);
      else numbersOf(s, pixel, dst, i.channels);
      pixel += s.pixelBytes;
      dst += i.dstPixel;
    }
  }
}

@inline
function numbersOf(s: Shuffle, pixel: usize, dst: usize, channels: i32): void {
  let c = 0;
  while (c < channels) {
    const run = load<i32>(s.runs + (<usize>(c >> 2) << 3));
    if (run >= 0) {
      v128.store(dst + (<usize>c << 2), v128.load(pixel + run));
      c += 4;
      continue;
    }
    for (const end = min(c + 4, channels); c < end; c++) {
      const place = load<i32>(s.places + (<usize>c << 2));
      store<f32>(dst + (<usize>c << 2), place < 0 ? 0 : load<f32>(pixel + place));
    }
  }
}

@inline
function bitsOf(s: Shuffle, pixel: usize, dst: usize, channels: i32): void {
  for (let c = 0; c < channels; c += 32) {
    const unit = s.runs + (<usize>(c >> 5) << 3);
    const run = load<i32>(unit);
    const other = load<i32>(unit, 4);
    let word: u32 = 0;
    if (run >= 0) {
      word =
        other < 0
          ? bitsFrom(pixel, run, 32)
          : spread(bitsFrom(pixel, run, 16)) | (spread(bitsFrom(pixel, other, 16)) << 1);
    } else {
      const count = min(32, channels - c);
      for (let k = 0; k < count; k++) {
        const place = load<u32>(s.places + (<usize>(c + k) << 2));
        const bit = (load<u32>(pixel + ((<usize>place >> 5) << 2)) >> (place & 31)) & 1;
        word |= bit << k;
      }
    }
    store<u32>(dst + (<usize>c >> 3), word);
  }
}

/** `count` bits from bit `first` on, and any others. */
@inline
function bitsFrom(pixel: usize, first: i32, count: i32): u32 {
  const at = pixel + ((<usize>first >> 5) << 2);
  const shift = first & 31;
  const word = load<u32>(at) >> shift;
  return shift + count > 32 ? word | (load<u32>(at, 4) << (32 - shift)) : word;
}

/** 16 bits to the even places of 32. */
@inline
function spread(x: u32): u32 {
  x &= 0xffff;
  x = (x | (x << 8)) & 0x00ff00ff;
  x = (x | (x << 4)) & 0x0f0f0f0f;
  x = (x | (x << 2)) & 0x33333333;
  return (x | (x << 1)) & 0x55555555;
}
