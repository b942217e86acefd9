/**
 * Bits of two pixels side by side, as kernels/lookup-conv.ts reads them.
 *
 *   for each position p of the bordered image, each 4 channels n
 *     to[p][n] = 16 * (nibble n of p + 16 * nibble n of (p + apart))       16 bits: a table's address
 *
 * `apart` is the stride: p + apart is where the next output pixel looks when this one looks at p.
 * Positions without such a neighbour pair with themselves: nobody uses the second half then.
 * Nibbles of a word: 0, 2, 4, 6, 1, 3, 5, 7, as tileNibbles (tile.ts) orders the weights.
 *
 * Tile: 1 position x 32 channels. Cost: 13 instructions per 32 channels of two pixels.
 */
import { PAIR_TAIL_BYTES, PAIR_WORD_BYTES } from "./agreed";
import { Instruction } from "./instruction";

@unmanaged
class Pairs {
  from: usize;
  to: usize;
  /** Rows of the bordered image, and words of 32 channels per row. */
  rows: i32;
  rowWords: i32;
  /** Words from a position to its neighbour. */
  apart: i32;
}

/** s: Pairs. Rows are those of the bordered image. */
export function pairNibbles(i: Instruction, firstRow: i32, rows: i32): void {
  const pairs = changetype<Pairs>(i.s);
  const apart = <usize>pairs.apart << 2;
  const rowBytes = <usize>pairs.rowWords << 2;
  const image = rowBytes * <usize>pairs.rows;
  const end = pairs.from + rowBytes * <usize>(firstRow + rows);
  const paired = min(end, pairs.from + image - min(image, apart));
  let from = pairs.from + rowBytes * <usize>firstRow;
  let to = pairs.to + ((rowBytes * <usize>firstRow) << 2);
  for (; from < paired; from += 4) to = pairWord(to, load<u32>(from), load<u32>(from + apart));
  for (; from < end; from += 4) to = pairWord(to, load<u32>(from), load<u32>(from));
  if (firstRow + rows == pairs.rows) memory.fill(to, 0, PAIR_TAIL_BYTES);
}

/** 8 nibbles of each: the even ones, then the odd ones. */
@inline
function pairWord(to: usize, first: u32, second: u32): usize {
  const even = (first & 0x0f0f0f0f) | ((second & 0x0f0f0f0f) << 4);
  const odd = ((first >> 4) & 0x0f0f0f0f) | (second & 0xf0f0f0f0);
  const bytes = i64x2.splat(<i64>(<u64>even | (<u64>odd << 32)));
  v128.store(to, i16x8.shl(i16x8.extend_low_i8x16_u(bytes), 4));
  return to + PAIR_WORD_BYTES;
}
