import type { ComputingName } from "../../../../program/micro-ops.js";

/** A pointer that walks along while an epilogue runs; the index into EpilogueShape.streams. */
export type StreamIndex = number;
/** Per-channel tensors of an epilogue lie side by side, 4 channels of each in turn. */
export type ParameterIndex = number;
/** SSA registers: 0 is the accumulator, operation i defines i + 1. */
export type CodeRegister = number;

export interface Stream {
  /** bfloats: 2 bytes each, the upper halves of floats. */
  readonly kind: "floats" | "bfloats" | "bits" | "parameters";
  /** In the block's scratch, which starts with the block's first row; else with the map's. */
  readonly scratch: boolean;
  /** One pixel ends where the next begins. */
  readonly contiguous: boolean;
  /** A pixel for two of a row, a row for two of the step. */
  readonly halved: boolean;
  /** Goes back to channel 0 of its pixel. */
  readonly repeats: boolean;
}

/** A micro-op, its operands resolved. Nobody reads the registers of writes. */
export type CodeOp =
  | { readonly op: "load"; readonly from: StreamIndex }
  | { readonly op: "load-bits"; readonly from: StreamIndex }
  | {
      readonly op: ComputingName;
      readonly inputs: readonly CodeRegister[];
      /** Tensors and numbers, in the order of the operands. */
      readonly parameters: readonly ParameterIndex[];
      readonly zero?: number;
    }
  | {
      /** mean-2x2: into a halved stream. */
      readonly op: "store" | "mean-2x2";
      readonly a: CodeRegister;
      readonly to: StreamIndex;
      /** The lanes past the last channel belong to others. */
      readonly exact: boolean;
    }
  | {
      readonly op: "bits";
      readonly a: CodeRegister;
      readonly threshold: ParameterIndex;
      readonly to: StreamIndex;
      /** Bit of the first word where channel 0 goes. */
      readonly shift: number;
      /** Nobody else writes into the words. */
      readonly exclusive: boolean;
      readonly atEquality: boolean;
    }
  | { readonly op: "sum"; readonly a: CodeRegister; readonly into: StreamIndex };

/**
 * What a generated function depends on: epilogues of the same shape share it, at other addresses,
 * widths and numbers of channels.
 */
export interface EpilogueShape {
  /** Whether there are 32 channels at all, and how many follow the last 32. */
  readonly words: boolean;
  readonly tail: number;
  readonly streams: readonly Stream[];
  readonly parameters: number;
  readonly accumulator: { readonly from: StreamIndex; readonly bits: boolean };
  readonly ops: readonly CodeOp[];
}

/** Fields of an epilogue's table: pixels per row, whole words of channels, the streams, the turns. */
export const TABLE_HEAD = 2;
/** Per stream: address, bytes per row, bytes from the end of a pixel's channels to the next pixel. */
export const STREAM_FIELDS = 3;
/** Per stream that repeats: words of channels to its first turn in a pixel, and from turn to turn. */
export const TURN_FIELDS = 2;
