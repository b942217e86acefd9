import { expect, it } from "vitest";
import { likelyRange } from "./likely-range.js";

// R. G. Newcombe, Statistics in Medicine 17 (1998), Table I, method 3 (Wilson's score).
it.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("of %i right of %i, as published", (right, of, low, high) => {
  const range = likelyRange(right, of);
  expect(range[0]).toBeCloseTo(low, 4);
  expect(range[1]).toBeCloseTo(high, 4);
});
