/**
 * Numbers that the compiler must know as well: src/runtime/backends/wasm/agreed.ts has the same by the
 * same names, and the fields of every record; a test compares both sides.
 */

/** Of an entry of listPixels: window, start. */
export const PIXEL_BYTES: usize = 8;

/** Output channels side by side. */
export const POPCOUNT_TILE: i32 = 8;
export const SCALAR_TILE: i32 = 2;
export const LOOKUP_TILE: i32 = 32;
export const FLOAT_TILE: i32 = 8;

/** Where the tables of lookups begin. */
export const TABLES_ADDRESS: usize = 64;
/** Scratch of lookupConv: sums, then pairs of pixels. */
export const SUMS_BYTES: usize = 256;
export const PAIR_BYTES: usize = 20;
/** 32 channels of two pixels, as pairNibbles leaves them. */
export const PAIR_WORD_BYTES: usize = 16;
/** Behind the last pair: a run may be read up to two nibbles further. */
export const PAIR_TAIL_BYTES: usize = 64;
/** Three nibbles of a pair. */
export const THREE_BYTES: usize = 6;
