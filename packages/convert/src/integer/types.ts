import type { Program, Step, ValueId } from "onebit/program";

/**
 * A packed network whose arithmetic is whole numbers: what C with `--integer` computes, and what `onebit eval
 * --integer` measures, bit for bit.
 *
 * Maps and vectors are int16, their number is q * 2^-fraction; bits are bits. Accumulators of 1-bit layers are exact;
 * those of other layers are sums of int8 weights and int16 numbers (of int16 weights where bytes of an image are read:
 * every bit that follows hangs on those few weights). An epilogue is a list of element-wise operations
 * on 32-bit numbers that no input can make overflow (64-bit where they say so).
 */
export interface IntegerProgram {
  /** What it was made of: shapes, places, names. */
  readonly program: Program;
  /** By value id: a number is q * 2^-fraction. 0 for bits. */
  readonly fractions: readonly number[];
  readonly steps: readonly IntegerStep[];
  /** Of the input, where the network says how images are prepared. */
  readonly image?: ImageBytes;
}

/**
 * An image as it comes, a byte for each pixel and channel. Normalisation is part of the first convolutions (bytes): q =
 * byte * 2^BYTE_SHIFT, and what lies outside is what normalisation makes 0 of. Where others read the image, a table
 * [C][256] says q, as for any map.
 */
export type ImageBytes =
  | { readonly kind: "bytes"; readonly zero: Column }
  | { readonly kind: "table"; readonly table: Int16Array };

/** Bytes of an image are taken times this power of 2, so that what is outside has a fraction. */
export const BYTE_SHIFT = 4;

/** A step of the program, and its arithmetic. */
export interface IntegerStep {
  readonly step: Step;
  /** Of conv and linear, in the order of the float weights. int16: of an image's bytes. */
  readonly weights?: Int8Array | Int16Array;
  /** Of a convolution of an image's bytes: what lies outside, by channel. */
  readonly zero?: Column;
  /** Of quantise: the accumulator is clipped to -clip .. clip. */
  readonly clip?: number;
  /** No accumulator is farther from 0. */
  readonly bound: number;
  readonly operations: readonly IntegerOp[];
}

/** An operation's result: 0 is the accumulator, i + 1 that of operation i. */
export type Ref = number;

/** A number for each channel of the step. */
export type Column = readonly number[];

/**
 * Element-wise operations; `>>` rounds down, products and sums are exact before it. What is added for rounding is in
 * `plus`. limit: the result is then clamped to -limit - 1 .. limit, which is
 * one instruction on many targets where it is one less than a power of 2.
 */
export type IntegerOp =
  /** v[h, w, c mod C]; bits as -1 and 1 */
  | { readonly kind: "load"; readonly value: ValueId }
  /** (r * by[c] + plus[c]) >> shift[c]; wide: in 64 bits */
  | {
      readonly kind: "scale";
      readonly of: Ref;
      readonly by: Column;
      readonly plus: Column;
      readonly shift: Column;
      readonly wide: boolean;
      readonly limit?: number;
    }
  /** (r * by[c] + q * byOther[c] + plus[c]) >> shift[c] */
  | {
      readonly kind: "sum";
      readonly of: Ref;
      readonly other: Ref;
      readonly by: Column;
      readonly byOther: Column;
      readonly plus: Column;
      readonly shift: Column;
      readonly limit?: number;
    }
  /** (r * q + half) >> shift, half = 2^(shift - 1), or 0 */
  | {
      readonly kind: "product";
      readonly of: Ref;
      readonly other: Ref;
      readonly shift: number;
      readonly limit?: number;
    }
  /** r > 0 ? r : (r * by[c] + half) >> shift[c] */
  | {
      readonly kind: "prelu";
      readonly of: Ref;
      readonly by: Column;
      readonly shift: Column;
      readonly limit?: number;
    }
  /** r < low ? low : r > high ? high : r */
  | { readonly kind: "clamp"; readonly of: Ref; readonly low: number; readonly high: number }
  /** 2^15 / (1 + exp(-r / 2^11)) by a table, see sigmoid.ts; r within int16 */
  | { readonly kind: "sigmoid"; readonly of: Ref }
  /** v[h, w, o + c] = r */
  | {
      readonly kind: "store";
      readonly of: Ref;
      readonly value: ValueId;
      readonly offset: number;
    }
  /** bit = r >= from[c]; with count: (r - from[c]) mod 2^32 < count[c] */
  | {
      readonly kind: "bits";
      readonly of: Ref;
      readonly from: Column;
      readonly count?: Column;
      readonly value: ValueId;
      readonly offset: number;
    }
  /** v[o + c] = clamped((sum of r over h and w * by + half) >> shift), in 64 bits */
  | {
      readonly kind: "mean";
      readonly of: Ref;
      readonly by: number;
      readonly shift: number;
      /** Whether the sum itself needs 64 bits. */
      readonly wide: boolean;
      readonly value: ValueId;
      readonly offset: number;
    }
  /** v[y, x, o + c] = sum of r over the 2x2 pixels at (2y, 2x), whose number is a quarter of it */
  | {
      readonly kind: "mean-2x2";
      readonly of: Ref;
      readonly value: ValueId;
      readonly offset: number;
    };

/** Largest number of a value; the lowest is one farther from 0. */
export const MOST = 32_767;
