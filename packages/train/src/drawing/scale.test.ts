import { expect, it } from "vitest";
import { histogram } from "./histogram.js";
import { linearScale, logScale } from "./scale.js";

it("names round values of its range only", () => {
  const { at, ticks } = linearScale([0.13, 0.94], [0, 810]);
  expect(ticks).toEqual([0.2, 0.4, 0.6, 0.8]);
  expect(at(0.14)).toBeCloseTo(10, 9);
  expect(linearScale([-1, 1], [0, 1]).ticks).toEqual([-1, -0.5, 0, 0.5, 1]);
});

it("puts equal ratios at equal distances", () => {
  const { at, ticks } = logScale([0.15, 40], [0, 100]);
  expect(ticks).toEqual([0.2, 0.5, 1, 2, 5, 10, 20]);
  expect(at(2) - at(1)).toBeCloseTo(at(20) - at(10), 9);
});

it("counts every value once, those outside in the outermost bins", () => {
  const { counts } = histogram([-5, 0, 0.24, 0.25, 0.99, 1, 7], [0, 1], 4);
  expect(counts).toEqual([3, 1, 0, 3]);
  expect(histogram([3, 3], undefined, 2).counts).toEqual([2, 0]);
});
