import type { Column, Ref } from "./types.js";

/** A number as ref * factor[c] + offset[c]: affine maps are composed here, and computed where they are needed. */
export interface Form {
  readonly of: Ref;
  /** |ref| at most. */
  readonly bound: number;
  /** Where known: -limit - 1 <= ref <= limit. */
  readonly limit?: number;
  readonly factor: Column;
  readonly offset: Column;
}

/** bit = ref >= from, or (ref - from) mod 2^32 < count. */
export interface Interval {
  readonly from: Column;
  readonly count?: Column;
}

/** ref * factor + offset above the threshold, as what ref has to be. */
export function intervalOf(
  { bound, factor, offset }: Form,
  thresholds: Column,
  atEqual: boolean,
): Interval {
  const ends = thresholds.map((threshold, c): readonly [from: number, count: number] => {
    const [f, rest] = [factor[c], threshold - offset[c]];
    const within = (x: number) => Math.max(-bound, Math.min(bound + 1, x)) + 0;
    if (f > 0) {
      const from = within(atEqual ? Math.ceil(rest / f) : Math.floor(rest / f) + 1);
      return [from, bound + 1 - from];
    }
    if (f < 0) {
      const end = within(atEqual ? Math.floor(rest / f) + 1 : Math.ceil(rest / f));
      return [-bound, end + bound];
    }
    return (atEqual ? rest <= 0 : rest < 0) ? [-bound, 2 * bound + 1] : [bound + 1, 0];
  });
  return intervalOfEnds(ends, bound);
}

/** From there, so many numbers; without the counts where each goes on to the bound. */
export function intervalOfEnds(
  ends: readonly (readonly [from: number, count: number])[],
  bound: number,
): Interval {
  const from = ends.map(([first]) => first);
  const count = ends.map(([, numbers]) => numbers);
  return count.every((numbers, c) => from[c] + numbers === bound + 1) ? { from } : { from, count };
}
