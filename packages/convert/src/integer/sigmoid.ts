/** Fraction bits of what goes in, and of what comes out. */
export const SIGMOID_IN = 11;
export const SIGMOID_OUT = 15;

/** 1 / (1 + exp(-x)) at every 16th from 0 to 16, times 2^15; one more for the end of the last line. */
export const SIGMOID_TABLE: readonly number[] = Array.from({ length: 258 }, (_, i) =>
  Math.min(32_767, Math.round(32_768 / (1 + Math.exp(-i / 16)))),
);

/** Between two entries of the table; below 0 by 1 - sigmoid(-x). x: within int16. */
export function integerSigmoid(x: number): number {
  const size = x < 0 ? -x : x;
  const at = size >> 7;
  const step = SIGMOID_TABLE[at + 1] - SIGMOID_TABLE[at];
  const y = SIGMOID_TABLE[at] + ((step * (size & 127) + 64) >> 7);
  return x < 0 ? 32_768 - y : y;
}
