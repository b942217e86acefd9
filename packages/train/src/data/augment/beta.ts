import { exp, ln } from "../portable-math.js";
import type { Random } from "../random.js";

/** A number from Beta(alpha, alpha): one gamma variate's share of two. */
export function symmetricBeta(alpha: number, random: Random): number {
  const difference = logGamma(alpha, random) - logGamma(alpha, random);
  return 1 / (1 + exp(Math.min(700, Math.max(-700, difference))));
}

/** Logarithm of a variate of Gamma(alpha, 1): Marsaglia and Tsang (2000), which starts at alpha 1. */
function logGamma(alpha: number, random: Random): number {
  if (alpha < 1) return logGamma(alpha + 1, random) + ln(1 - random.next()) / alpha;
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    if (ln(1 - random.next()) < 0.5 * x * x + d - d * v + d * ln(v)) return ln(d) + ln(v);
  }
}
