/**
 * Bit images cleared and regrouped; generated epilogues write the bits themselves.
 *
 *   clear:    what nobody writes of a value (border, bits behind the last channel) is 0
 *   regroup:  for each pixel and group: copy its channels to a word of their own; pixels of a border that
 *             replicates are copies of the nearest inside
 */
import { Instruction } from "./instruction";

/**
 * dst: the first byte, dstAdvance: bytes per row, u: rows of border above and below, which go with
 * the first and the last row.
 */
export function clear(i: Instruction, firstRow: i32, rows: i32): void {
  const from = firstRow == 0 ? 0 : firstRow + i.u;
  const to = firstRow + rows + (firstRow + rows == i.rows ? 2 * i.u : i.u);
  memory.fill(i.dst + <usize>from * i.dstAdvance, 0, <usize>(to - from) * i.dstAdvance);
}

/** A bit image whose groups do not start at words, copied so that each group does. */
@unmanaged
class Regroup {
  from: usize;
  to: usize;
  fromPixel: usize;
  toPixel: usize;
  /** Of the bordered image, and the border that replicates: 0 where it is copied like all others. */
  rows: i32;
  columns: i32;
  borderY: i32;
  borderX: i32;
  groups: i32;
  /** Channels per group. */
  channels: i32;
  /** Bytes of a group in `to`. */
  groupBytes: usize;
}

/** s: Regroup. */
export function regroup(i: Instruction): void {
  const r = changetype<Regroup>(i.s);
  let to = r.to;
  memory.fill(to, 0, <usize>(r.rows * r.columns) * r.toPixel);
  for (let y = 0; y < r.rows; y++) {
    const row = nearest(y, r.borderY, r.rows) * r.columns;
    for (let x = 0; x < r.columns; x++) {
      const from = r.from + <usize>(row + nearest(x, r.borderX, r.columns)) * r.fromPixel;
      let bit = 0;
      for (let g = 0; g < r.groups; g++) {
        copyBits(from, bit, to, r.channels);
        bit += r.channels;
        to += r.groupBytes;
      }
    }
  }
}

@inline
function nearest(place: i32, border: i32, size: i32): i32 {
  return max(border, min(place, size - 1 - border));
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
