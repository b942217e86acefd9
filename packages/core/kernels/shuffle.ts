/**
 * Channels of a map or of bits in another order.
 *
 *   for each pixel, each channel c
 *     map:   dst[c] = place[c] < 0 ? 0 : x[place[c]]
 *     bits:  dst's bit c = x's bit place[c]
 *
 * Tile: 1 pixel x 1 channel.
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
  for (let c = 0; c < channels; c++) {
    const place = load<i32>(s.places + (<usize>c << 2));
    store<f32>(dst + (<usize>c << 2), place < 0 ? 0 : load<f32>(pixel + place));
  }
}

@inline
function bitsOf(s: Shuffle, pixel: usize, dst: usize, channels: i32): void {
  for (let c = 0; c < channels; c += 32) {
    let word: u32 = 0;
    const count = min(32, channels - c);
    for (let k = 0; k < count; k++) {
      const place = load<u32>(s.places + (<usize>(c + k) << 2));
      const bit = (load<u32>(pixel + ((<usize>place >> 5) << 2)) >> (place & 31)) & 1;
      word |= bit << k;
    }
    store<u32>(dst + (<usize>c >> 3), word);
  }
}
