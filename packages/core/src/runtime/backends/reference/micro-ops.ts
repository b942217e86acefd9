import { sigmoid } from "../../../program/math.js";
import type { ComputingName } from "../../../program/micro-ops.js";
import { roundHalfToEven } from "../../../program/quantiser.js";

const f = Math.fround;

/**
 * What each micro-op makes of one element: its operands in the order of the table in
 * program/micro-ops.ts, tensors as the channel's number. The result is rounded where it is kept.
 */
export const COMPUTE: {
  readonly [N in ComputingName]: (r: number, a: number, b: number) => number;
} = {
  affine: (r, s, t) => f(r * s) + t,
  shift: (r, t) => r + t,
  scale: (r, s) => r * s,
  prelu: (r, s) => (r > 0 ? r : r * s),
  relu,
  sigmoid: (r) => sigmoid(r),
  "hard-sigmoid": (r) => Math.min(Math.max(f(r + 3), 0), 6) * f(1 / 6),
  clamp,
  add: (r, q) => r + q,
  mul: (r, q) => r * q,
  mix: (p, y, a) => f(a * p) + f(f(1 - a) * y),
  sign: (r, t, zero) => (r > t || (zero > 0 && r === t) ? 1 : -1),
  max: larger,
  min: smaller,
  round: roundHalfToEven,
};

/** The second where they are equal, or one is NaN. */
function larger(r: number, q: number): number {
  if (r > q) return r;
  return q;
}

function smaller(r: number, q: number): number {
  if (r < q) return r;
  return q;
}

/** Of NaN: 0. */
function relu(r: number): number {
  if (r > 0) return r;
  return 0;
}

/** NaN stays. */
function clamp(r: number, low: number, high: number): number {
  if (r < low) return low;
  if (r > high) return high;
  return r;
}
