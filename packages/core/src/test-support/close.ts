/**
 * Throws unless two arrays agree: |actual - expected| <= tolerance * max(|expected|, root mean
 * square of expected), element by element. NaN agrees with NaN, infinities with themselves.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  label: string,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${label}: ${actual.length} elements, ${expected.length} expected`);
  }
  const typical = rootMeanSquare(expected);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (Object.is(a, e) || Math.abs(a - e) <= tolerance * Math.max(Math.abs(e), typical)) continue;
    throw new Error(
      `${label}: element ${i} is ${a}, ${e} expected (relative tolerance ${tolerance})`,
    );
  }
}

function rootMeanSquare(values: ArrayLike<number>): number {
  const finite = Array.from(values).filter(Number.isFinite);
  const squares = finite.reduce((total, value) => total + value * value, 0);
  return Math.sqrt(squares / Math.max(finite.length, 1));
}
