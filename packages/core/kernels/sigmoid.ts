/**
 * The port of src/program/math.ts, two doubles at a time; same operations in the same order.
 *
 *   for each 2 elements, as doubles
 *     x = -a;  k = floor(x * LOG2_E + 0.5)
 *     r = (x - k * LN2_HIGH) - k * LN2_LOW
 *     p = Horner of 1 / i!, i = 13 .. 0;  e = p * 2^k     (2^k from the exponent field)
 *     y = fround(1 / (1 + e))
 *
 * Tile: 4 elements as two pairs. Cost: about 45 instructions and a division per pair.
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * 5.4 ns per element.
 */
const LOG2_E: f64 = 1.4426950408889634;
const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;

@inline
function horner(p: v128, r: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(p, r), f64x2.splat(c));
}

/** exp of two doubles; NaN stays NaN, above 709 Infinity, below -708 zero. */
@inline
function exp(x: v128): v128 {
  const k = f64x2.floor(f64x2.add(f64x2.mul(x, f64x2.splat(LOG2_E)), f64x2.splat(0.5)));
  const r = f64x2.sub(
    f64x2.sub(x, f64x2.mul(k, f64x2.splat(LN2_HIGH))),
    f64x2.mul(k, f64x2.splat(LN2_LOW)),
  );
  let p = f64x2.splat(1.6059043836821613e-10);
  p = horner(p, r, 2.08767569878681e-9);
  p = horner(p, r, 2.505210838544172e-8);
  p = horner(p, r, 2.755731922398589e-7);
  p = horner(p, r, 0.0000027557319223985893);
  p = horner(p, r, 0.0000248015873015873);
  p = horner(p, r, 0.0001984126984126984);
  p = horner(p, r, 0.001388888888888889);
  p = horner(p, r, 0.008333333333333333);
  p = horner(p, r, 0.041666666666666664);
  p = horner(p, r, 0.16666666666666666);
  p = horner(p, r, 0.5);
  p = horner(p, r, 1);
  p = horner(p, r, 1);
  const exponent = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(k));
  const power = i64x2.shl(i64x2.add(exponent, i64x2.splat(1023)), 52);
  const huge = f64x2.gt(x, f64x2.splat(709));
  const tiny = f64x2.lt(x, f64x2.splat(-708));
  const y = v128.bitselect(f64x2.splat(Infinity), f64x2.mul(p, power), huge);
  return v128.andnot(y, tiny);
}

@inline
function pair(x: v128): v128 {
  const one = f64x2.splat(1);
  return f64x2.div(one, f64x2.add(one, exp(f64x2.neg(x))));
}

/** sigmoid of four floats: for generated epilogues. */
export function sigmoid(a: v128): v128 {
  const low = pair(f64x2.promote_low_f32x4(a));
  const high = pair(f64x2.promote_low_f32x4(v128.shuffle<i32>(a, a, 2, 3, 2, 3)));
  return v128.shuffle<i32>(
    f32x4.demote_f64x2_zero(low),
    f32x4.demote_f64x2_zero(high),
    0, 1, 4, 5,
  );
}
