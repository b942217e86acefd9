import type { Column } from "./types.js";

/** Fraction bits that leave numbers up to `range` within int16. */
export function fractionFor(range: number): number {
  if (!(range > 0)) return 15;
  return Math.max(-40, Math.min(24, 15 - Math.ceil(Math.log2(range))));
}

/** Bits that multipliers may have, and what a term of a sum may come to. */
interface Room {
  /** Largest multiplier of each term. */
  readonly by: readonly number[];
  readonly plus: number;
  readonly shift: number;
}

const MULTIPLIER = 32_767;
/** What a wide accumulator may come to: with a multiplier of 15 bits it stays exact in a double. */
export const WIDE = 2 ** 37;
/** Up to here a product with a multiplier worth having stays within 32 bits. */
export const NARROW = 2 ** 16;

/** Room of (r * by + plus) >> shift for |r| <= bound. */
export function roomOf(bounds: readonly number[], wide: boolean): Room {
  if (wide) return { by: bounds.map(() => MULTIPLIER), plus: 2 ** 50, shift: 44 };
  const share = 2 ** 30 / bounds.length;
  const by = bounds.map((bound) => Math.min(MULTIPLIER, Math.floor(share / Math.max(1, bound))));
  return { by, plus: 2 ** 29, shift: 28 };
}

/** Whole numbers for one channel. */
export interface Scaled {
  readonly by: readonly number[];
  /** With what rounds to the nearest. */
  readonly plus: number;
  readonly shift: number;
}

/** sum of r_i * factors_i + offset in whole numbers, with as many bits as there is room for. */
export function scaled(factors: readonly number[], offset: number, room: Room): Scaled {
  let shift = room.shift;
  const fits = () =>
    factors.every((factor, i) => Math.abs(factor) * 2 ** shift <= room.by[i]) &&
    Math.abs(offset) * 2 ** shift <= room.plus;
  while (shift > 0 && !fits()) shift--;
  const most = (x: number, limit: number) => Math.max(-limit, Math.min(limit, Math.round(x))) + 0;
  const by = factors.map((factor, i) => most(factor * 2 ** shift, room.by[i]));
  const plus = most(offset * 2 ** shift, room.plus) + half(shift);
  return { by, plus, shift };
}

export const half = (shift: number) => (shift > 0 ? 2 ** (shift - 1) : 0);

/** Fraction bits that factors leave room for, at most. */
export function fractionThatFits(factors: readonly Column[], room: Room): number {
  const most = factors.map((column, i) => {
    const largest = column.reduce((max, factor) => Math.max(max, Math.abs(factor)), 0);
    return largest === 0 ? Number.POSITIVE_INFINITY : Math.floor(Math.log2(room.by[i] / largest));
  });
  return Math.min(...most);
}
