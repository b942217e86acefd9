import { expect, it } from "vitest";
import { interval, spread, studentCdf, studentQuantile } from "./statistics.js";

// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2: upper critical values of Student's t.
it.each([
  [0.975, 1, 12.706],
  [0.975, 2, 4.303],
  [0.975, 3, 3.182],
  [0.975, 4, 2.776],
  [0.975, 7, 2.365],
  [0.975, 30, 2.042],
  [0.95, 5, 2.015],
  [0.999, 10, 4.144],
  [0.9, 100, 1.29],
])("%d of the distribution with %i degrees of freedom lie below %d", (p, freedom, wanted) => {
  expect(studentQuantile(p, freedom)).toBeCloseTo(wanted, 3);
});

it("agrees with closed forms: Cauchy's for one degree of freedom, and that for two", () => {
  for (const t of [-30, -2, -0.1, 0, 0.3, 1, 5, 400]) {
    expect(studentCdf(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 12);
    expect(studentCdf(t, 2)).toBeCloseTo(0.5 + t / (2 * Math.sqrt(2 + t * t)), 12);
  }
});

// Student, "The probable error of a mean" (1908): hours of sleep gained, 2 less 1, by ten patients.
it("gives the interval of Student's own example", () => {
  const found = interval([1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4])!;
  expect(found.mean).toBeCloseTo(1.58, 10);
  expect(found.deviation).toBeCloseTo(1.23, 2);
  expect([found.low, found.high].map((x) => x!.toFixed(4))).toEqual(["0.7001", "2.4599"]);
  expect(found.p).toBeCloseTo(0.002833, 6);
});

it("says nothing of the spread of one value, and nothing at all of none", () => {
  expect(interval([3])).toEqual({
    ...{ n: 1, mean: 3, deviation: null, lowest: 3, highest: 3, low: null, high: null, p: null },
  });
  expect([interval([]), spread([])]).toEqual([null, null]);
  const none = { low: null, high: null, p: null };
  expect(interval([2, 2, 2])).toMatchObject({ n: 3, mean: 2, ...none });
  expect(interval([0.3 - 0.2, 0.2 - 0.1])).toMatchObject({ n: 2, ...none });
  expect(interval([0, 0])).toMatchObject({ mean: 0, ...none });
});
