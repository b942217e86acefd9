import { expect, it } from "vitest";
import { roughness } from "./roughness.js";

const square = (line: readonly number[]) => line.map((a) => line.map((b) => a + b));

it("is 0 for one valley, however steep, and off its middle", () => {
  expect(roughness(square([9, 4, 1, 0, 1]))).toBe(0);
  expect(roughness(square([900, 4, 3.9, 0, 1000]))).toBe(0);
  expect(roughness(square([1, 2, 3]))).toBe(0);
});

it("is what lines travel beyond that, whatever the unit", () => {
  // 2 + 1 + 1 + 2 to go where 2 + 2 would do.
  const bump = [2, 0, 1, 0, 2];
  expect(roughness(square(bump))).toBeCloseTo(0.5, 12);
  expect(roughness(square(bump.map((value) => 7 * value + 3)))).toBeCloseTo(0.5, 12);
});

it("leaves out lines that are not finite, and knows nothing of flat ones", () => {
  const holed = square([2, 0, 1, 0, 2]);
  holed[0][0] = Number.NaN;
  expect(roughness(holed)).toBeCloseTo(0.5, 12);
  expect(roughness(square([1, 1, 1]))).toBeNaN();
});
