/** Of several values: n, mean, standard deviation (n - 1; null for one value), extremes. */
export interface Spread {
  readonly n: number;
  readonly mean: number;
  readonly deviation: number | null;
  readonly lowest: number;
  readonly highest: number;
}

/** null for no values. */
export function spread(values: readonly number[]): Spread | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    ...{ n, mean, deviation: n > 1 ? Math.sqrt(squares / (n - 1)) : null },
    ...{ lowest: Math.min(...values), highest: Math.max(...values) },
  };
}

/** Where the mean of paired differences lies, with 95 % confidence. */
export interface Interval extends Spread {
  readonly low: number;
  readonly high: number;
  /** Two-sided: how likely means as far from 0 are where there is no difference. */
  readonly p: number;
}

/**
 * mean ± t(n - 1, 97.5 %) s / sqrt(n), Student's; low, high and p are null where there is no spread to judge by: of
 * a single value, or of values that are all the same but for rounding.
 */
export function interval(
  values: readonly number[],
): Interval | (Spread & { readonly low: null; readonly high: null; readonly p: null }) | null {
  const all = spread(values);
  if (!all) return null;
  const { n, mean, deviation } = all;
  if (deviation === null || deviation <= 1e-12 * Math.abs(mean))
    return { ...all, low: null, high: null, p: null };
  const error = deviation / Math.sqrt(n);
  const reach = studentQuantile(0.975, n - 1) * error;
  const p = 2 * (1 - studentCdf(Math.abs(mean) / error, n - 1));
  return { ...all, low: mean - reach, high: mean + reach, p };
}

/** Student's t distribution: P(T < t) with so many degrees of freedom. */
export function studentCdf(t: number, freedom: number): number {
  if (t === 0) return 0.5;
  const tail = betaShare(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

/** The t below which so much of the distribution lies; for p from 0.5. */
export function studentQuantile(p: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentCdf(high, freedom) < p) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's method). Source: NIST
 * Digital Library of Mathematical Functions, 8.17.22.
 */
function betaShare(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The fraction converges fast on this side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(1 - x, b, a);
  const front =
    Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) /
    a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1), tiny);
  let fraction = d;
  for (let m = 1; m < 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / notZero(1 + term * d, tiny);
      c = notZero(1 + term / c, tiny);
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return front * fraction;
}

const notZero = (value: number, tiny: number) => (Math.abs(value) < tiny ? tiny : value);

/** Lanczos' approximation (g = 7, 9 terms), for z above 0. */
function logGamma(z: number): number {
  if (z < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * z)) - logGamma(1 - z);
  const x = z - 1;
  const sum = lanczos.reduce((total, term, i) => (i ? total + term / (x + i) : term), 0);
  const t = x + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(t) - t + Math.log(sum);
}

const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];
