/** IEEE 754 half precision by hand: Float16Array is not everywhere yet. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest half, ties to even; beyond 65504 infinity. */
export function toFloat16(x: number): number {
  float[0] = x;
  const sign = (bits[0] >>> 16) & 0x8000;
  const exponent = ((bits[0] >>> 23) & 0xff) - 127;
  const mantissa = bits[0] & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
  if (exponent < -25) return sign;
  if (exponent > 15) return sign | 0x7c00;
  // Subnormal halves lose further bits; the carry of the rounding may reach the exponent, rightly.
  const subnormal = exponent < -14;
  const shift = subnormal ? -1 - exponent : 13;
  const whole = subnormal ? mantissa | 0x800000 : mantissa;
  const base = subnormal ? 0 : (exponent + 15) << 10;
  return sign | roundShift(whole, shift, base);
}

/** base + (x >> shift), rounded to nearest, ties to even. */
function roundShift(x: number, shift: number, base: number): number {
  const kept = base + (x >>> shift);
  const rest = x & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && kept & 1) ? kept + 1 : kept;
}

/** Value of the last mantissa bit, by exponent field; looked up because `**` is slow. */
const UNITS = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));

/** The number that 16 bits of IEEE half precision stand for. */
export function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 1024 + mantissa : mantissa) * UNITS[exponent];
}
