/** Plain data. */
export type OptionValue = number | string | boolean | readonly [number, number];

export type OptionValues = { readonly [option: string]: OptionValue };

/** An option of an augmentation. */
export interface Option<T extends OptionValue = OptionValue> {
  readonly usual: T;
  /** What is wrong with a value; undefined where nothing is. */
  problem(value: unknown): string | undefined;
}

export function number(usual: number, least: number, most: number): Option<number> {
  return option(usual, (x) => isBetween(x, least, most), `a number from ${least} to ${most}`);
}

export function whole(usual: number, least: number, most: number): Option<number> {
  const fits = (x: unknown) => isBetween(x, least, most) && Number.isInteger(x);
  return option(usual, fits, `a whole number from ${least} to ${most}`);
}

/** From and to. */
export function span(
  usual: readonly [number, number],
  least: number,
  most: number,
): Option<readonly [number, number]> {
  const fits = (x: unknown) =>
    Array.isArray(x) && x.length === 2 && x.every((v) => isBetween(v, least, most)) && x[0] <= x[1];
  return option(usual, fits, `[from, to], both from ${least} to ${most}`);
}

export function word<W extends string>(usual: W, words: readonly W[]): Option<W> {
  return option(usual, (x) => words.includes(x as W), `one of ${words.join(", ")}`);
}

function option<T extends OptionValue>(
  usual: T,
  fits: (value: unknown) => boolean,
  wanted: string,
): Option<T> {
  return {
    usual,
    problem: (value) => (fits(value) ? undefined : `${JSON.stringify(value)} must be ${wanted}`),
  };
}

function isBetween(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most;
}
