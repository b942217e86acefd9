/**
 * What linear memory holds besides data: tables of instructions, written by
 * src/runtime/backends/wasm/instruction.ts in exactly this layout (every field 32 bits wide).
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
  b: usize;
  bPixel: usize;
  bAdvance: usize;
  /** Per-channel tensors, parameters of a kernel, or small immediates: see the kernel. */
  s: usize;
  t: usize;
  u: i32;
}

export const INSTRUCTION_BYTES: usize = 64;

/** The block of rows an instruction works on. */
@unmanaged
export class Step {
  rows: i32;
  width: i32;
  blockRows: i32;
  /** Once before the first block, per block, once after the last block. */
  prologue: usize;
  prologueCount: i32;
  body: usize;
  bodyCount: i32;
  finish: usize;
  finishCount: i32;
}

export enum Op {
  affine,
  shift,
  scale,
  prelu,
  relu,
  sigmoid,
  hardSigmoid,
  clamp,
  add,
  mul,
  mix,
  store,
  bits,
  loadBits,
  rowSums,
  mean,
  clear,
  regroup,
  binaryConv,
  conv,
  linear,
  maxPool,
  averagePool,
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
