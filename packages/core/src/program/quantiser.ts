/**
 * The asymmetric min-max quantiser of BNext's 8-4-8 networks. Nothing is learned: each group's range
 * is that of its own numbers. All arithmetic is float32, each operation rounded once:
 *
 *   c     = x < clip ? x : clip;  c = c > -clip ? c : -clip           (NaN becomes clip)
 *   low   = min c + 0 (never -0)
 *   range = (max c - low) + 1e-8
 *   code  = round half to even(((c - low) / range) * levels)          levels = 2^bits - 1
 *   value = (code / levels) * range + low
 *
 * Source: hpi-xnor/BNext, utils_quant.py.
 */
export interface GroupRange {
  readonly low: number;
  readonly range: number;
}

/** Codes up to here are exact in float32, with room to spare. */
export const MAX_QUANTISED_BITS = 16;

const EPSILON = Math.fround(1e-8);

export function levelsOf(bits: number): number {
  return 2 ** bits - 1;
}

export function clipped(x: number, clip: number): number {
  return x < clip ? Math.max(x, -clip) : clip;
}

/** The range of the `count` numbers at start, start + stride, ... */
export function rangeOf(
  x: ArrayLike<number>,
  { start, stride, count }: Strided,
  clip: number,
): GroupRange {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let n = 0, i = start; n < count; n++, i += stride) {
    const c = clipped(Math.fround(x[i]), clip);
    if (c < low) low = c;
    if (c > high) high = c;
  }
  low += 0;
  return { low, range: Math.fround(Math.fround(high - low) + EPSILON) };
}

export interface Strided {
  readonly start: number;
  readonly stride: number;
  readonly count: number;
}

/** x must be clipped. */
export function levelCode(x: number, { low, range }: GroupRange, levels: number): number {
  const position = Math.fround(Math.fround(Math.fround(x - low) / range) * levels);
  return roundHalfToEven(position);
}

export function levelValue(code: number, { low, range }: GroupRange, levels: number): number {
  return Math.fround(Math.fround(Math.fround(code / levels) * range) + low);
}

/** Any float32 or float64; never -0, so that it matters to nobody how a port comes to 0. */
export function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  const isUp = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return (isUp ? floor + 1 : floor) + 0;
}

/** Replaces the numbers of one group, out[i] for x[i], by the nearest of 2^bits levels. */
export function quantiseGroup(
  x: ArrayLike<number>,
  group: Strided,
  { bits, clip }: { readonly bits: number; readonly clip: number },
  out: { [i: number]: number },
): void {
  const levels = levelsOf(bits);
  const range = rangeOf(x, group, clip);
  for (let n = 0, i = group.start; n < group.count; n++, i += group.stride) {
    out[i] = levelValue(levelCode(clipped(Math.fround(x[i]), clip), range, levels), range, levels);
  }
}
