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
/** Registers of an epilogue: 0 is the accumulator, micro-op i defines register i + 1. */
export type Register = number;

/**
 * Straight-line element-wise program over the accumulator of a step, one entry per register.
 * Per-channel tensors have the step's channel count. All arithmetic is float32, each operation
 * rounded once, in the order written: every backend gives the same bits.
 *
 *   ["load", v]             v[h, w, c]: a map or bits (as -1 / +1) of the step's output shape, or a vector (broadcast);
 *                           with fewer channels, C, it repeats: v[h, w, c mod C]
 *   ["affine", r, s, t]     r * s[c] + t[c]   (two roundings)
 *   ["shift", r, t]         r + t[c]
 *   ["scale", r, s]         r * s[c]
 *   ["prelu", r, s]         r > 0 ? r : r * s[c]
 *   ["relu", r]             r > 0 ? r : 0
 *   ["sigmoid", r]          1 / (1 + exp(-r)), shared implementation (program/math.ts)
 *   ["hard-sigmoid", r]     min(max(r + 3, 0), 6) / 6, computed as * fround(1 / 6)
 *   ["clamp", r, lo, hi]    r < lo ? lo : r > hi ? hi : r; float32 numbers, not -0
 *   ["add", r, q]  ["mul", r, q]
 *   ["mix", p, y, a]        a[c] * p + (1 - a[c]) * y   (four roundings)
 *   ["store", r, v, o]      v[h, w, o + c] = r (map or vector), rounded where v is bfloat16; register keeps r
 *   ["bits", r, t, v, o, z] v[h, w, o + c] = r > t[c] (z = -1: at equality -1) or r >= t[c] (z = +1); register keeps r
 *   ["mean", r, v, o]       v[o + c] = mean over h, w of r: each row summed over w in float32 (from 0), rows added
 *                           in float64 (from 0), the total divided by H * W in float64, rounded once
 *
 * Where a loaded value repeats, C is a multiple of 32, the step's channels are one of C, and the
 * step has no groups.
 *
 * A value is written once: by one micro-op, or by several of one kind (in one step or many) whose
 * channel slices do not overlap and fill it. It can be read from the next step on. A store into a
 * vector wants a step whose output is one pixel.
 */
export type MicroOp =
  | readonly ["load", ValueId]
  | readonly ["affine", Register, TensorKey, TensorKey]
  | readonly ["shift", Register, TensorKey]
  | readonly ["scale", Register, TensorKey]
  | readonly ["prelu", Register, TensorKey]
  | readonly ["relu", Register]
  | readonly ["sigmoid", Register]
  | readonly ["hard-sigmoid", Register]
  | readonly ["clamp", Register, number, number]
  | readonly ["add", Register, Register]
  | readonly ["mul", Register, Register]
  | readonly ["mix", Register, Register, TensorKey]
  | readonly ["store", Register, ValueId, number]
  | readonly ["bits", Register, TensorKey, ValueId, number, -1 | 1]
  | readonly ["mean", Register, ValueId, number];

interface StepBase {
  /** Scope and names of the graph nodes that this step computes: for explain, verify and bisect. */
  readonly covers: readonly string[];
  readonly input: ValueId;
  readonly epilogue: readonly MicroOp[];
}

/**
 * acc[oy, ox, o] = sum over the kernel of ±1 products: exact integers. Padded positions count as
 * padValue (0: nothing). weight: U8 tensor, per output channel kh, kw, c with c fastest (the
 * group's channels), bit 1 = +1, least significant bit first, zero-filled to a byte.
 */
export interface BinaryConvStep extends StepBase {
  readonly kind: "binary-conv";
  readonly weight: TensorKey;
  /** Output channels. */
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
  readonly padValue: 0 | 1 | -1;
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
  readonly groups: number;
}

/** acc[o] = sum over i of x[i] * w[o, i] for a vector x, added in the order of i, from 0, in float32. weight: [O, I]. */
export interface LinearStep extends StepBase {
  readonly kind: "linear";
  readonly weight: TensorKey;
  readonly out: number;
}

/**
 * Window maximum or mean of a map; positions outside the map are skipped by both. max: starts at the
 * first position inside, replaced where x > max, in the order ky, kx. average: summed in that order,
 * from 0, in float32, then divided by kh * kw (padding included), rounded once. padding < kernel.
 */
export interface PoolStep extends StepBase {
  readonly kind: "pool";
  readonly mode: "max" | "average";
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
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

/** The accumulator is the input itself (bits as -1 / +1). */
export interface PointwiseStep extends StepBase {
  readonly kind: "pointwise";
}

export type Step = BinaryConvStep | ConvStep | LinearStep | PoolStep | PointwiseStep | QuantiseStep;
export type StepKind = Step["kind"];

export interface Program {
  readonly values: readonly ProgramValue[];
  /** Value fed by the caller: a map [H, W, C], already normalised. */
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

export type ProgramTensors = { readonly [key: TensorKey]: ProgramTensor };
