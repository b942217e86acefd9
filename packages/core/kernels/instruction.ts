/**
 * What linear memory holds besides data: tables of instructions and of what they need. The compiler
 * writes each record field by field (every one 32 bits wide), in the order in which the class has them:
 * src/runtime/backends/wasm/agreed.ts.
 *
 * An operand is (base, pixel stride, advance per pixel of the block's first pixel), in bytes:
 *   a map in memory     base = value,   pixel = advance = bytes per pixel
 *   a vector, broadcast base = value,   pixel = advance = 0
 *   a scratch register  base = scratch, pixel = bytes per pixel, advance = 0
 * Every pixel holds its channels rounded up to 4; the lanes past the last channel hold anything.
 * Bits have a border, so their operand is (first pixel inside, pixel stride, row stride).
 */
@unmanaged
export class Instruction {
  op: Op;
  /** Exact count. */
  channels: i32;
  /** Rows and pixels per row of the whole step. */
  rows: i32;
  width: i32;
  dst: usize;
  dstPixel: usize;
  dstAdvance: usize;
  a: usize;
  aPixel: usize;
  aAdvance: usize;
  /** Tensors, parameters of a kernel, or small immediates: see the kernel. */
  s: usize;
  t: usize;
  u: i32;
}

export const INSTRUCTION_BYTES: usize = offsetof<Instruction>();

export enum Op {
  mean,
  clear,
  regroup,
  popcountConv,
  scalarConv,
  pairNibbles,
  lookupConv,
  conv,
  linear,
  maxPool,
  averagePool,
  tileWords,
  tileLongs,
  tileNibbles,
  tileFloats,
  borderStarts,
  gridRange,
  grid,
  shuffle,
  bitPool,
  depthwiseConv,
}

/** Where this thread's scratch begins, counted from that of the first thread. */
let scratch: usize = 0;

export function setScratch(bytes: usize): void {
  scratch = bytes;
}

/** An address in scratch. */
@inline
export function own(address: usize): usize {
  return address + scratch;
}

/** First pixel of a block: scratch holds one block, a value all of them. */
@inline
export function blockStart(i: Instruction, pixel: i32): usize {
  return i.dstAdvance ? i.dst + <usize>pixel * i.dstAdvance : own(i.dst);
}

export const VECTOR: usize = 16;

/** Bytes of the vectors that cover `channels` floats. */
@inline
export function vectorBytes(channels: i32): usize {
  return ((<usize>channels + 3) >> 2) << 4;
}

/** Stores the first `lanes` (1 to 4) of v: the bytes after them belong to others. */
@inline
export function storeLanes(address: usize, v: v128, lanes: i32): void {
  if (lanes >= 4) {
    v128.store(address, v);
    return;
  }
  f32.store(address, f32x4.extract_lane(v, 0));
  if (lanes > 1) f32.store(address, f32x4.extract_lane(v, 1), 4);
  if (lanes > 2) f32.store(address, f32x4.extract_lane(v, 2), 8);
}
