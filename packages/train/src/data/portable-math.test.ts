import { describe, expect, it } from "vitest";
import { cos, exp, ln, sin } from "./portable-math.js";

const grid = (from: number, to: number) =>
  Array.from({ length: 2001 }, (_, i) => from + ((to - from) * i) / 2000);

describe("portable math against the engine's", () => {
  it("ln", () => {
    for (const x of [...grid(1e-9, 8), 1e-300, 1e300]) {
      expect(Math.abs(ln(x) - Math.log(x))).toBeLessThan(
        1e-13 * Math.max(1, Math.abs(Math.log(x))),
      );
    }
    expect(ln(1)).toBe(0);
  });
  it("exp", () => {
    for (const x of grid(-30, 30)) expect(exp(x) / Math.exp(x)).toBeCloseTo(1, 13);
    expect(exp(0)).toBe(1);
  });
  it("sin and cos", () => {
    for (const x of grid(-20, 20)) {
      expect(Math.abs(sin(x) - Math.sin(x))).toBeLessThan(1e-13);
      expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThan(1e-13);
    }
  });
});
