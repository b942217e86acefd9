import { largest, type Value } from "./tensors.js";

/** Where two values differ most. */
export interface Gap {
  /** Index of the place. */
  readonly at: number;
  readonly a: number;
  readonly b: number;
  /** |a - b| over the largest |b| of the value; NaN and infinities count as infinite. */
  readonly error: number;
  /** How many elements differ by more than the tolerance. */
  readonly count: number;
}

/** Sums that cancel leave rounding errors of their terms: values below this count as this large. */
const SMALLEST_SCALE = 1e-3;

/** The largest gap between two values of one shape, and how many are beyond the tolerance. */
export function gapBetween(a: Value, b: Value, tolerance: number): Gap {
  const scale = Math.max(largest(b.data), SMALLEST_SCALE);
  let [at, worst, count] = [0, -1, 0];
  for (let i = 0; i < a.data.length; i++) {
    const gap = Math.abs(a.data[i] - b.data[i]);
    const error = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : gap / scale;
    if (error > tolerance) count++;
    if (error > worst) [at, worst] = [i, error];
  }
  return { at, a: a.data[at], b: b.data[at], error: worst, count };
}

/** Sign decisions that differ. */
export interface Flips {
  readonly count: number;
  /** Of the flip that is farthest from its threshold. */
  readonly at: number;
  readonly a: number;
  readonly b: number;
  /** How far from the threshold, over the largest distance in the value. */
  readonly distance: number;
}

/** margins: what the signs saw, of either side; distance is Infinity where neither is known. */
export function flipsBetween(a: Value, b: Value, margins: readonly Value[]): Flips | undefined {
  const scale = Math.max(SMALLEST_SCALE, ...margins.map(({ data }) => largest(data)));
  let [count, at, distance] = [0, -1, -1];
  for (let i = 0; i < a.data.length; i++) {
    if (a.data[i] === b.data[i]) continue;
    count++;
    const seen = margins.map(({ data }) => Math.abs(data[i]) / scale);
    const far = seen.length ? Math.max(...seen) : Number.POSITIVE_INFINITY;
    if (far > distance) [at, distance] = [i, far];
  }
  if (count === 0) return undefined;
  return { count, at, a: a.data[at], b: b.data[at], distance };
}

/** Place of an element of [C, H, W]. */
export interface Position {
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

export function positionOf({ shape: [, height, width] }: Value, at: number): Position {
  const plane = height * width;
  return {
    channel: Math.floor(at / plane),
    y: Math.floor((at % plane) / width),
    x: at % width,
  };
}
