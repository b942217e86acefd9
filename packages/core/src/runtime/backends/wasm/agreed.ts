import type { Field } from "./memory-plan.js";

/**
 * What the kernels and their compiler have agreed on. kernels/ has the same by the same names: numbers
 * in agreed.ts, Op in instruction.ts, each record as a class beside the kernel that reads it. A test
 * compares both sides (agreed.test.ts): a change of one alone does not pass.
 */

/** Instructions, by number. */
export const OPS = [
  "mean",
  "clear",
  "regroup",
  "popcountConv",
  "scalarConv",
  "pairNibbles",
  "lookupConv",
  "conv",
  "linear",
  "maxPool",
  "averagePool",
  "tileWords",
  "tileLongs",
  "tileNibbles",
  "tileFloats",
  "borderStarts",
  "gridRange",
  "grid",
  "shuffle",
  "bitPool",
  "depthwiseConv",
] as const;

export type Op = (typeof OPS)[number];

type Window = readonly [
  kernelY: number,
  kernelX: number,
  strideY: number,
  strideX: number,
  paddingY: number,
  paddingX: number,
];

/** Fields of each record in their order, 32 bits each. What they mean: kernels/. */
export interface Records {
  Instruction: readonly [
    ...(readonly [op: number, channels: number, rows: number, width: number]),
    ...(readonly [dst: Field, dstPixel: number, dstAdvance: number]),
    ...(readonly [a: Field, aPixel: number, aAdvance: number]),
    ...(readonly [s: Field, t: Field, u: number]),
  ];
  BinaryLayer: readonly [
    ...(readonly [input: Field, rowAdvance: number, columnAdvance: number]),
    ...(readonly [groups: number, groupBytes: number, groupOut: number]),
    ...(readonly [runs: number, runOffsets: Field, runBytes: number]),
    ...(readonly [weights: Field, starts: Field, rowClasses: Field, columnClasses: Field]),
    ...(readonly [scratch: Field, partBytes: number]),
  ];
  Regroup: readonly [
    ...(readonly [from: Field, to: Field, fromPixel: number, toPixel: number]),
    ...(readonly [rows: number, columns: number, borderY: number, borderX: number]),
    ...(readonly [groups: number, channels: number, groupBytes: number]),
  ];
  Shuffle: readonly [
    ...(readonly [input: Field, rowBytes: number, pixelBytes: number]),
    ...(readonly [places: Field, runs: Field, bits: number]),
  ];
  Pairs: readonly [from: Field, to: Field, rows: number, rowWords: number, apart: number];
  Conv: readonly [
    ...(readonly [input: Field, pixel: number, height: number, width: number]),
    ...Window,
    ...(readonly [groups: number, groupIn: number, groupOut: number, weights: Field]),
  ];
  Pool: readonly [input: Field, height: number, width: number, ...window: Window];
  Grid: readonly [clip: number, levels: number];
  Tiling: readonly [
    ...(readonly [from: Field, to: Field, rowBytes: number]),
    ...(readonly [groups: number, groupOut: number, groupIn: number]),
    ...(readonly [runTaps: number, runs: number, scratch: Field]),
  ];
  Borders: readonly [
    ...(readonly [rows: Field, rowClasses: number, columns: Field, columnClasses: number]),
    ...(readonly [kernelY: number, kernelX: number, products: number, correct: number]),
  ];
}

export const PIXEL_BYTES = 8;

/** Outputs side by side. */
export const POPCOUNT_TILE = 8;
export const SCALAR_TILE = 2;
export const LOOKUP_TILE = 32;
export const FLOAT_TILE = 8;
export const LINEAR_TILE = 32;

export const TABLES_ADDRESS = 64;
export const SUMS_BYTES = 256;
export const PAIR_BYTES = 20;
export const PAIR_WORD_BYTES = 16;
export const PAIR_TAIL_BYTES = 64;
export const THREE_BYTES = 6;
