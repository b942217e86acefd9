/*
 * JavaScript leaves the last bits of Math.sin, Math.cos, Math.log and Math.exp to the engine. Data
 * sets and augmentation must be the same everywhere, so these use only + - * /, which IEEE 754 fixes.
 */

const { LN2, SQRT1_2 } = Math;

/** Natural logarithm of a finite x > 0: x = m · 2^e, ln m = 2 artanh((m - 1) / (m + 1)). */
export function ln(x: number): number {
  let e = 0;
  let m = x;
  while (m >= 2 * SQRT1_2) {
    m /= 2;
    e++;
  }
  while (m < SQRT1_2) {
    m *= 2;
    e--;
  }
  const t = (m - 1) / (m + 1);
  const square = t * t;
  let sum = 0;
  // |t| <= 0.172: the first term left out is below 2^-53.
  for (let k = 21; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return 2 * t * sum + e * LN2;
}

/** e^x for |x| up to 700: x = k ln 2 + r, Taylor on r. */
export function exp(x: number): number {
  const k = Math.round(x / LN2);
  const r = x - k * LN2;
  let sum = 1;
  for (let n = 14; n >= 1; n--) sum = 1 + (sum * r) / n;
  // Powers of two by squaring: Math.pow is left to the engine too.
  let power = 1;
  let base = k < 0 ? 0.5 : 2;
  for (let n = Math.abs(k); n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) power *= base;
    base *= base;
  }
  return sum * power;
}

const TURN = 2 * Math.PI;

/** Sine by Taylor on [-π, π]; meant for angles of a few turns. */
export function sin(angle: number): number {
  const x = angle - TURN * Math.round(angle / TURN);
  const square = x * x;
  let sum = 1;
  for (let n = 26; n >= 2; n -= 2) sum = 1 - (sum * square) / (n * (n + 1));
  return x * sum;
}

export function cos(angle: number): number {
  return sin(angle + Math.PI / 2);
}
