import fc from "fast-check";
import { expect, test } from "vitest";
import { forEachWindow, poolShape } from "./pool-geometry.js";

const size = fc.integer({ min: 1, max: 4 });
const pair = fc.tuple(size, size);

test("every window visits at most the kernel's positions, all of them inside", () => {
  const property = fc.property(pair, pair, pair, (kernel, stride, extra) => {
    const padding = [kernel[0] >> 1, kernel[1] >> 1] as const;
    const x = [2, 3, kernel[0] + extra[0], kernel[1] + extra[1]];
    const attrs = { kernel, stride, padding };
    const shape = poolShape(x, attrs);
    const visits = new Map<number, number>();
    forEachWindow(x, attrs, (from, to) => {
      expect(from).toBeGreaterThanOrEqual(0);
      expect(from).toBeLessThan(x[0] * x[1] * x[2] * x[3]);
      visits.set(to, (visits.get(to) ?? 0) + 1);
    });
    expect(visits.size).toBe(shape[0] * shape[1] * shape[2] * shape[3]);
    for (const count of visits.values()) expect(count).toBeLessThanOrEqual(kernel[0] * kernel[1]);
  });
  fc.assert(property, { numRuns: 50 });
});
