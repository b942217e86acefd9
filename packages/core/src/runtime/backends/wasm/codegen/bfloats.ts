import type { FunctionBody, Local } from "./assembler.js";

/** Code for four bfloat16 numbers, 8 bytes, in memory; in registers they are floats. */

/** Address on the stack; leaves the floats there. */
export function loadBfloats(b: FunctionBody, offset: number): void {
  b.access("v128.load16x4_u", offset).const(16).op("i32x4.shl");
}

export interface BfloatStore {
  readonly pointer: Local;
  readonly value: Local;
  readonly offset: number;
  /** Of the four, from the first on, those that are stored. */
  readonly lanes: number;
}

/** Rounded as program/bfloat16.ts says. */
export function storeBfloats(
  b: FunctionBody,
  { pointer, value, offset, lanes }: BfloatStore,
): void {
  const rounded = () => {
    b.get(pointer).get(value).const(16).op("i32x4.shr_u").lanes(1, 1, 1, 1).op("v128.and");
    b.get(value).op("i32x4.add").lanes(0x7fff, 0x7fff, 0x7fff, 0x7fff).op("i32x4.add");
    b.const(16).op("i32x4.shr_u").splat(0).op("i16x8.narrow_i32x4_u");
  };
  if (lanes === 4) {
    rounded();
    b.storeLane(64, 0, offset);
    return;
  }
  for (let lane = 0; lane < lanes; lane++) {
    rounded();
    b.storeLane(16, lane, offset + 2 * lane);
  }
}
