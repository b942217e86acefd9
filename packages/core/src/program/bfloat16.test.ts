import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roundToBfloat16 } from "./bfloat16.js";

function fromBits(u: number): number {
  return new Float32Array(Uint32Array.of(u).buffer)[0];
}

function bitsOf(x: number): number {
  return new Uint32Array(Float32Array.of(x).buffer)[0];
}

/** A finite float32 in units of the smallest subnormal, 2^-149. */
function units(u: number): bigint {
  const exponent = (u >>> 23) & 0xff;
  const fraction = BigInt(u & 0x7fffff);
  const size = exponent === 0 ? fraction : (fraction + (1n << 23n)) << BigInt(exponent - 1);
  return u >>> 31 ? -size : size;
}

const abs = (x: bigint) => (x < 0n ? -x : x);

/** The nearer of the two bfloat16 numbers around a float32; of equally near ones the even. */
function nearest(u: number): number {
  const below = u & 0xffff0000;
  // Infinity's place, 2^128, stands for itself: its bits go on where those of finite numbers end.
  const above = below + 0x10000;
  const [low, high] = [below >>> 0, above >>> 0].map((x) => abs(units(u) - units(x)));
  if (low !== high) return (low < high ? below : above) >>> 0;
  return ((below >>> 16) % 2 === 0 ? below : above) >>> 0;
}

/** The smallest and largest of each kind, ones, ties of both sorts, what lies beside them. */
const corners = [
  0, 1, 0x7fff, 0x8000, 0x8001, 0x18000, 0x7fffff, 0x800000, 0x3f800000, 0x3f808000, 0x3f818000,
  0x3f807fff, 0x3f808001, 0x7f7f7fff, 0x7f7f8000, 0x7f7fffff,
];

const finite = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f7fffff }),
    fc.constantFrom(...corners),
    // Ties.
    fc.integer({ min: 0, max: 0x7f7e }).map((upper) => (upper << 16) | 0x8000),
  )
  .chain((u) => fc.constantFrom(u, (u | 0x80000000) >>> 0));

describe("rounding to bfloat16", () => {
  it("gives the nearest number with 8 bits of significand, ties to even", () => {
    fc.assert(
      fc.property(finite, (u) => {
        expect(bitsOf(roundToBfloat16(fromBits(u)))).toBe(nearest(u));
      }),
      { numRuns: 20_000 },
    );
  });

  it("changes none of those numbers", () => {
    for (let upper = 0; upper < 0x10000; upper++) {
      const x = fromBits(upper << 16);
      if (!Number.isNaN(x)) expect(roundToBfloat16(x)).toBe(x);
    }
  });

  it("keeps the sign of zero, infinities, and the NaN of arithmetic", () => {
    expect(roundToBfloat16(-0)).toBe(-0);
    expect(roundToBfloat16(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(roundToBfloat16(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(roundToBfloat16(Number.NaN)).toBeNaN();
  });

  it("rounds numbers beyond the largest one to infinity, from half a step on", () => {
    expect(roundToBfloat16(fromBits(0x7f7f7fff))).toBe(fromBits(0x7f7f0000));
    expect(roundToBfloat16(fromBits(0x7f7f8000))).toBe(Number.POSITIVE_INFINITY);
  });
});
