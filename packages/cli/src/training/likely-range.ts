/**
 * The 95 % interval of a share of which `right` of `of` tries are known:
 *
 *   (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),  z = 1.96
 *
 * Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
 */
export function likelyRange(right: number, of: number): [low: number, high: number] {
  const z2 = 1.96 ** 2;
  const p = right / of;
  const middle = p + z2 / (2 * of);
  const spread = Math.sqrt(z2 * ((p * (1 - p)) / of + z2 / (4 * of * of)));
  const scale = 1 + z2 / of;
  return [(middle - spread) / scale, (middle + spread) / scale];
}
