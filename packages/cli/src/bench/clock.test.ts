import { expect, it } from "vitest";
import { clockGHz } from "./clock.js";

it("divides the cycles of a chain of multiplications by its time", () => {
  let now = 0;
  // Every look at the clock is a millisecond later: 20,000 * 16 multiplications of 3 cycles in 1 ms.
  const clock = () => now++;
  expect(clockGHz(10, clock)).toBeCloseTo(0.96, 6);
});
