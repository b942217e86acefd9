/**
 * exp and sigmoid from IEEE 754 double additions and multiplications (and one division) in a fixed
 * order, so that every backend, in whatever language, gives the same bits. Port this file line by
 * line; never contract a multiply and an add into one, never reorder.
 *
 *   exp(x):
 *     x is NaN -> NaN;  x > 709 -> +Infinity;  x < -708 -> 0
 *     k = floor(x * LOG2_E + 0.5)
 *     r = (x - k * LN2_HIGH) - k * LN2_LOW            |r| <= 0.3466; k * LN2_HIGH is exact
 *     p = C[13];  for i = 12, 11, ..., 0:  p = p * r + C[i]        C[i] = 1 / i!
 *     exp = p * 2^k                                    2^k exact: any way of building it is fine
 *
 *   sigmoid(x) = fround(1 / (1 + exp(-x)))             x float32; all in double, rounded once
 *
 * Relative error of exp: below 3e-16. -708 <= x <= 709 keeps 2^k and the result normal numbers.
 */
// biome-ignore lint/suspicious/noApproximativeNumericConstant: written out, as in the ports
const LOG2_E = 1.4426950408889634;
/** ln 2 with its last 21 bits cut off, and what is missing. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** 1 / i!, rounded to double. */
export const INVERSE_FACTORIALS: readonly number[] = [
  1, 1, 0.5, 0.16666666666666666, 0.041666666666666664, 0.008333333333333333, 0.001388888888888889,
  0.0001984126984126984, 0.0000248015873015873, 0.0000027557319223985893, 2.755731922398589e-7,
  2.505210838544172e-8, 2.08767569878681e-9, 1.6059043836821613e-10,
];

export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709) return Number.POSITIVE_INFINITY;
  if (x < -708) return 0;
  const k = Math.floor(x * LOG2_E + 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let p = INVERSE_FACTORIALS[13];
  for (let i = 12; i >= 0; i--) p = p * r + INVERSE_FACTORIALS[i];
  return p * powerOfTwo(k);
}

export function sigmoid(x: number): number {
  return Math.fround(1 / (1 + exp(-x)));
}

/** 2^k for -1022 <= k <= 1023, by squaring: every intermediate value is exact. */
function powerOfTwo(k: number): number {
  let factor = k < 0 ? 0.5 : 2;
  let result = 1;
  for (let n = Math.abs(k); n > 0; n >>= 1) {
    if (n & 1) result *= factor;
    factor *= factor;
  }
  return result;
}
