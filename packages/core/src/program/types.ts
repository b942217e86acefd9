import type { MicroOp } from "./micro-ops.js";

export type { MicroOp, Register } from "./micro-ops.js";

/**
 * A packed network: values assigned once, and steps that compute them. The runtime's half of
 * onebit knows only this, never the graph.
 *
 * Per image: a map is float32 [H, W, C] (or bfloat16: ProgramValue.type), bits are 1 bit [H, W, C]
 * (1 means +1), a vector is float32 [C]: a map of one pixel, accepted wherever a map is. Channels vary
 * fastest.
 */
export type ValueKind = "map" | "bits" | "vector";

/** How a map is kept between steps. */
export type MapType = "float32" | "bfloat16";

/** A map, bits or a vector that steps read and write. */
export interface ProgramValue {
  readonly name: string;
  readonly kind: ValueKind;
  /** [H, W, C]; [1, 1, C] for vectors. */
  readonly shape: readonly [number, number, number];
  /**
   * Of a map that nothing but epilogues touches (map-types.ts): `store` rounds what it writes to
   * bfloat16 (program/bfloat16.ts), reading it gives those numbers exactly. Absent: float32.
   */
  readonly type?: "bfloat16";
}

/** Index into Program.values. */
export type ValueId = number;
/** Key of a tensor of the file. */
export type TensorKey = string;

interface StepBase {
  /** Scope and names of the graph nodes that this step computes: for explain, verify and bisect. */
  readonly covers: readonly string[];
  readonly input: ValueId;
  readonly epilogue: readonly MicroOp[];
}

/** What a padded position holds: a number, or what the nearest position of the map does. */
export type PadValue = 0 | 1 | -1 | "replicate";

/**
 * acc[oy, ox, o] = sum over the kernel of ±1 products: exact integers. Padded positions count as
 * padValue (0: nothing). padding: rows and columns before the map, and behind it where paddingEnd does not say
 * otherwise, in every kind of step. weight: U8 tensor, per output channel kh, kw, c with c fastest (the
 * group's channels), bit 1 = +1, least significant bit first, zero-filled to a byte. dilation: from one
 * kernel position to the next; absent: [1, 1].
 */
export interface BinaryConvStep extends StepBase {
  readonly kind: "binary-conv";
  readonly weight: TensorKey;
  /** Output channels. */
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly paddingEnd?: readonly [number, number];
  readonly groups: number;
  readonly padValue: PadValue;
  readonly dilation?: readonly [number, number];
}

/**
 * Float convolution of a map. weight: [O, KH, KW, C / groups]; products added in that order (ky, kx,
 * channel), from 0, in float32: acc = fround(acc + fround(x * w)). Padded positions are skipped, which
 * gives the same bits as adding zeros (weights are finite).
 */
export interface ConvStep extends StepBase {
  readonly kind: "conv";
  readonly weight: TensorKey;
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly paddingEnd?: readonly [number, number];
  readonly groups: number;
}

/** acc[o] = sum over i of x[i] * w[o, i] for a vector x, added in the order of i, from 0, in float32. weight: [O, I]. */
export interface LinearStep extends StepBase {
  readonly kind: "linear";
  readonly weight: TensorKey;
  readonly out: number;
}

/**
 * Window maximum of a map or of bits, or mean of a map; positions outside are skipped by both. max: starts at the
 * first position inside, replaced where x > max, in the order ky, kx. average: summed in that order,
 * from 0, in float32, then divided by kh * kw (padding included), rounded once. padding < kernel.
 */
export interface PoolStep extends StepBase {
  readonly kind: "pool";
  readonly mode: "max" | "average";
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly paddingEnd?: readonly [number, number];
}

/**
 * The accumulator is the map or vector itself, on a grid of 2^bits levels (program/quantiser.ts: clip,
 * low = min + 0, range = (max - low) + 1e-8, round half to even, seven float32 operations per element
 * in that order). group: what has a low and a range of its own, the whole value ("image") or each
 * channel's plane over h and w ("channel"). clip: a positive float32 number; bits: 1 to 16.
 */
export interface QuantiseStep extends StepBase {
  readonly kind: "quantise";
  readonly bits: number;
  readonly clip: number;
  readonly group: "image" | "channel";
}

/**
 * Channels in another order, or some of them:
 *
 *   acc[y, x, c] = v[y, x, i mod dealt * C / dealt + floor(i / dealt)] with i = first + c
 *
 * and 0 where i < 0 or i >= C, which of bits cannot be. whole: the value counts as one pixel of H * W * C
 * channels, in the order h, w, c.
 */
export interface ShuffleStep extends StepBase {
  readonly kind: "shuffle";
  readonly out: number;
  readonly first: number;
  /** Groups of channels that are dealt out in turn. */
  readonly dealt: number;
  readonly whole: boolean;
}

/** The accumulator is the input itself (bits as -1 / +1). */
export interface PointwiseStep extends StepBase {
  readonly kind: "pointwise";
}

/** One pass over a value: a kernel and its epilogue. */
export type Step =
  | BinaryConvStep
  | ConvStep
  | LinearStep
  | PoolStep
  | PointwiseStep
  | QuantiseStep
  | ShuffleStep;
/** What a step computes before its epilogue. */
export type StepKind = Step["kind"];

/** A packed network: values that are assigned once, and the steps that compute them, in order. */
export interface Program {
  readonly values: readonly ProgramValue[];
  /** Value fed by the caller: a map [H, W, C], already normalised, or a vector [C]. Its name is the input's. */
  readonly input: ValueId;
  readonly steps: readonly Step[];
  /** "logits", "features" (pooled vector), "stage-4", "stage-8", ... (feature maps by stride). */
  readonly outputs: { readonly [name: string]: ValueId };
}

/** A tensor as the program uses it: 1-bit, or float32 (narrower files are expanded on reading). */
export type ProgramTensor =
  | { readonly type: "bits"; readonly shape: readonly number[]; readonly data: Uint8Array }
  | {
      readonly type: "float32";
      readonly shape: readonly number[];
      readonly data: Float32Array;
      /** What data was made from, where it was quantised: what a file stores. */
      readonly quantised?: QuantisedTensor;
    };

/**
 * A weight [O, ..., C] as codes on a grid; float32, each operation rounded once:
 *
 *   w = (((code / (2^bits - 1)) * range) + low) * scale[o]
 *
 * group: what has a low and a range of its own, each output channel o ("row") or each pair of output
 * channel and input channel, o * C + c ("plane").
 */
export interface QuantisedTensor {
  readonly bits: 4 | 8;
  readonly group: "row" | "plane";
  /** One per element, in the order of data. */
  readonly codes: Uint8Array;
  readonly lows: Float32Array;
  readonly ranges: Float32Array;
  readonly scales: Float32Array;
}

/** Weights and per-channel vectors of a program, by key. */
export type ProgramTensors = { readonly [key: TensorKey]: ProgramTensor };
