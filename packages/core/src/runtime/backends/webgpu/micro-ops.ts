import type { ComputingName } from "../../../program/micro-ops.js";
import { roundHalfToEven } from "../../../program/quantiser.js";

/** The formula of each micro-op, of operands as WGSL: keep() rounds where a product could be contracted. */
export const WGSL: {
  readonly [N in ComputingName]: (r: string, a: string, b: string) => string;
} = {
  affine: (r, s, t) => `keep(${r} * ${s}) + ${t}`,
  shift: (r, t) => `${r} + ${t}`,
  scale: (r, s) => `${r} * ${s}`,
  prelu: (r, s) => `select(${r} * ${s}, ${r}, ${r} > 0.0)`,
  relu: (r) => `select(0.0, ${r}, ${r} > 0.0)`,
  sigmoid: (r) => `sigmoid(${r})`,
  "hard-sigmoid": (r) => `min(max(${r} + 3.0, 0.0), 6.0) * ${Math.fround(1 / 6)}f`,
  clamp: (r, low, high) => `select(select(${r}, ${high}, ${r} > ${high}), ${low}, ${r} < ${low})`,
  add: (r, q) => `${r} + ${q}`,
  mul: (r, q) => `${r} * ${q}`,
  mix: (p, y, a) => `keep(${a} * ${p}) + keep(keep(1.0 - ${a}) * ${y})`,
  sign: (r, t, zero) => `select(-1.0, 1.0, ${r} > ${t} || (${zero} > 0.0 && ${r} == ${t}))`,
  max: (r, q) => `select(${q}, ${r}, ${r} > ${q})`,
  min: (r, q) => `select(${q}, ${r}, ${r} < ${q})`,
  round: (r) => `round(${r})`,
};

/** Unit roundoff of float32, of both sides of a comparison. */
export const UNIT = 2 * 2 ** -24;
const U = UNIT;

type Error = (
  r: readonly [x: number, e: number],
  a: readonly [x: number, e: number],
  b: readonly [x: number, e: number],
) => number;

const { abs, max } = Math;

/**
 * How far the result of each micro-op may be off, of operands x that are off by e (tensors and numbers by 0): see
 * conformance/step-bounds.ts.
 */
export const ERRORS: { readonly [N in ComputingName]: Error } = {
  affine: ([r, e], [s], [t]) => abs(s) * e + 2 * U * (abs(r * s) + abs(t)),
  shift: ([r, e], [t]) => e + U * (abs(r) + abs(t)),
  scale: ([r, e], [s]) => abs(s) * e + U * abs(r * s),
  prelu: ([r, e], [s]) => max(1, abs(s)) * e + U * abs(r * s),
  relu: ([, e]) => e,
  sigmoid: ([r, e]) => e / 4 + (8 * U) / (1 + Math.exp(-r)),
  "hard-sigmoid": ([r, e]) => e / 6 + U * (abs(r) + 3),
  clamp: ([, e]) => e,
  add: ([r, e], [q, f]) => e + f + U * (abs(r) + abs(q)),
  mul: ([r, e], [q, f]) => abs(q) * e + abs(r) * f + e * f + U * abs(r * q),
  mix: ([p, e], [y, f], [a]) =>
    abs(a) * e + abs(1 - a) * f + 3 * U * (abs(a * p) + abs((1 - a) * y)),
  sign: ([r, e], [t]) => (e > 0 && abs(r - t) <= e ? 2 : 0),
  max: ([, e], [, f]) => max(e, f),
  min: ([, e], [, f]) => max(e, f),
  round: ([r, e]) => (e > 0 ? roundHalfToEven(r + e) - roundHalfToEven(r - e) : 0),
};
