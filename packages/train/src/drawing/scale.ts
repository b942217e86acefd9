/** Where values of an axis lie in a picture, and which of them are named. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** From a range of values to one of pixels; ticks at 1, 2 or 5 times a power of ten. */
export function linearScale(
  [low, high]: readonly [low: number, high: number],
  [from, to]: readonly [from: number, to: number],
  count = 5,
): Scale {
  const span = high - low || 1;
  const step = niceStep(span / count);
  const ticks: number[] = [];
  // Products instead of sums: ten times 0.1 is 1.
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + span * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return { at: (value) => from + ((to - from) * (value - low)) / span, ticks };
}

/** The same by the logarithm; ticks at 1, 2 and 5 times powers of ten. Values are above 0. */
export function logScale(
  [low, high]: readonly [low: number, high: number],
  [from, to]: readonly [from: number, to: number],
): Scale {
  const { at } = linearScale([Math.log(low), Math.log(high)], [from, to]);
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    ticks.push(...[1, 2, 5].map((digit) => Number((digit * 10 ** power).toPrecision(3))));
  }
  return {
    at: (value) => at(Math.log(value)),
    ticks: ticks.filter((tick) => tick >= low && tick <= high),
  };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const digit = [1, 2, 5, 10].find((digit) => digit * power >= rough * (1 - 1e-9))!;
  return digit * power;
}

/** Lowest and highest of the values; 0 and 1 of none. */
export function rangeOf(values: ArrayLike<number>): [number, number] {
  if (!values.length) return [0, 1];
  let [low, high] = [values[0], values[0]];
  for (let i = 1; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}
