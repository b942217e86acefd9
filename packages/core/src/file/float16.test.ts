import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromFloat16, toFloat16 } from "./float16.js";

/** Every finite half, ascending, from the definition of the format. */
const positiveHalves = Array.from({ length: 0x7c00 }, (_, i) => {
  const [exponent, mantissa] = [i >> 10, i & 1023];
  return exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24;
});

/** The nearest half to x >= 0, ties to even, by search. */
function nearest(x: number): number {
  let above = positiveHalves.findIndex((half) => half >= x);
  if (above < 0) above = positiveHalves.length;
  if (above === 0) return 0;
  const upper = positiveHalves[above] ?? 65536;
  const lower = positiveHalves[above - 1];
  if (upper - x === x - lower) return above % 2 === 0 ? above : above - 1;
  return upper - x < x - lower ? above : above - 1;
}

describe("float16", () => {
  it("reads every half as the format defines it", () => {
    const signs = [0, 0x8000].flatMap((sign) =>
      positiveHalves.map((_, bits) => fromFloat16(bits | sign)),
    );
    expect(signs).toEqual([...positiveHalves, ...positiveHalves.map((value) => -value)]);
    expect(fromFloat16(0x7c00)).toBe(Number.POSITIVE_INFINITY);
    expect(fromFloat16(0xfc00)).toBe(Number.NEGATIVE_INFINITY);
    expect(fromFloat16(0x7e00)).toBeNaN();
  });

  it("writes every half back", () => {
    expect(positiveHalves.map(toFloat16)).toEqual(positiveHalves.map((_, bits) => bits));
    const negative = positiveHalves.map((value) => toFloat16(-value));
    expect(negative).toEqual(positiveHalves.map((_, bits) => bits | 0x8000));
  });

  it("rounds to the nearest half, ties to even", () => {
    const anywhere = fc.float({ min: 0, max: 65535, noNaN: true });
    const small = fc.float({ min: 0, max: Math.fround(2 ** -13), noNaN: true });
    const ties = fc
      .integer({ min: 0, max: positiveHalves.length - 2 })
      .map((i) => (positiveHalves[i] + positiveHalves[i + 1]) / 2);
    fc.assert(
      fc.property(fc.oneof(anywhere, small, ties), (x) => {
        expect(toFloat16(x)).toBe(nearest(x));
      }),
      { numRuns: 2000 },
    );
  });

  it("turns what is too large into infinity, and keeps NaN", () => {
    expect(toFloat16(65519.996)).toBe(0x7bff);
    expect(toFloat16(65520)).toBe(0x7c00);
    expect(toFloat16(-1e30)).toBe(0xfc00);
    expect(toFloat16(Number.POSITIVE_INFINITY)).toBe(0x7c00);
    expect(fromFloat16(toFloat16(Number.NaN))).toBeNaN();
  });
});
