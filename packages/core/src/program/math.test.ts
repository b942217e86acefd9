import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exp, sigmoid } from "./math.js";

const ulps = (a: number, b: number) => Math.abs(a - b) / (Math.abs(b) * Number.EPSILON);

/** Evaluated with 80 decimal digits, rounded to double. */
const EXPECTED = [
  7.678723813110872e-305, 4.006529739295107e-5, 0.4965853037914095, 1.3498588075760032,
  244.69193226422038, 3.325986980250579e38, 1.6721859620674984e304,
];

describe("exp", () => {
  it("is within two units in the last place of the platform's", () => {
    fc.assert(
      fc.property(fc.double({ min: -708, max: 709, noNaN: true }), (x) => {
        expect(ulps(exp(x), Math.exp(x))).toBeLessThan(2);
      }),
      { numRuns: 5000 },
    );
  });

  it("has these values at the ends and at the exact points", () => {
    expect(exp(0)).toBe(1);
    expect(exp(-0)).toBe(1);
    expect(exp(709.0000001)).toBe(Number.POSITIVE_INFINITY);
    expect(exp(-708.0000001)).toBe(0);
    expect(exp(Number.NaN)).toBeNaN();
  });

  it("gives bits that never change (ports are checked against these)", () => {
    expect([-700.25, -10.125, -0.7, 0.3, 5.5, 88.7, 700.5].map(exp)).toEqual(EXPECTED);
  });
});

describe("sigmoid", () => {
  it("is the float32 nearest to the true value, or its neighbour", () => {
    fc.assert(
      fc.property(fc.float({ min: -80, max: 80, noNaN: true }), (x) => {
        const truth = 1 / (1 + Math.exp(-x));
        expect(Math.abs(sigmoid(x) - truth)).toBeLessThanOrEqual(truth * 2 ** -23.9);
      }),
      { numRuns: 5000 },
    );
  });

  it("saturates without NaN and passes NaN on", () => {
    expect(sigmoid(0)).toBe(0.5);
    expect(sigmoid(3e38)).toBe(1);
    expect(sigmoid(-3e38)).toBe(0);
    expect(sigmoid(Number.POSITIVE_INFINITY)).toBe(1);
    expect(sigmoid(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(sigmoid(Number.NaN)).toBeNaN();
  });
});
