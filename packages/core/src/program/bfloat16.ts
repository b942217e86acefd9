/**
 * Rounding to bfloat16, the upper half of a float32 (1 sign, 8 exponent, 7 stored fraction bits), to
 * the nearest, ties to even, on the bits u of x:
 *
 *   upper half = (u + 0x7fff + ((u >> 16) & 1)) >> 16
 *
 * Every backend computes just this. Subnormal numbers are rounded as others are, what lies nearer to
 * 2^128 than to the largest bfloat16 (3.39e38) becomes infinite, infinities stay. The NaN of arithmetic
 * stays NaN; one whose payload fills the lower half may become an infinity or a zero: networks compute
 * with finite numbers.
 */
const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** x: a float32 number. Returns the bfloat16 number nearest to it. */
export function roundToBfloat16(x: number): number {
  floats[0] = x;
  const u = words[0];
  words[0] = ((u + 0x7fff + ((u >>> 16) & 1)) & 0xffff0000) >>> 0;
  return floats[0];
}
