/**
 * Bit images cleared and regrouped; generated epilogues write the bits themselves.
 *
 *   clear:    what nobody writes of a value (border, bits behind the last channel) is 0
 *   regroup:  for each pixel and group: copy its channels to a word of their own
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
