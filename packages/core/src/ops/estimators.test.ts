import { expect, test } from "vitest";
import { builtInEstimators, estimatorNamed } from "./estimators.js";

const points = Array.from({ length: 81 }, (_, i) => (i - 40) / 16 + 0.001);

/** The functions whose derivatives the estimators are, as their papers write them. */
const functions: { readonly [name: string]: (t: number) => number } = {
  clip: (t) => Math.min(1.5, Math.max(-1.5, t)),
  approx: (t) => {
    if (t < -1) return -1;
    if (t < 0) return 2 * t + t * t;
    return t < 1 ? 2 * t - t * t : 1;
  },
  identity: (t) => t,
  swish: (t) => {
    const s = 1 / (1 + Math.exp(-5 * t));
    return 2 * s * (1 + 5 * t * (1 - s)) - 1;
  },
};

test.each(Object.keys(builtInEstimators))("%s is the derivative of its function", (name) => {
  const f = functions[name];
  const h = 1e-6;
  for (const t of points) {
    const expected = (f(t + h) - f(t - h)) / (2 * h);
    expect(builtInEstimators[name].derivative(t, 1.5)).toBeCloseTo(expected, 5);
  }
});

test("clip counts both ends, approx is 2 at 0 and 0 at the ends", () => {
  const { clip, approx, swish } = builtInEstimators;
  expect([-1.5, 1.5, 1.5000001, -1.5000001].map((t) => clip.derivative(t, 1.5))).toEqual([
    1, 1, 0, 0,
  ]);
  expect([-1, 0, 1].map((t) => approx.derivative(t, 1))).toEqual([0, 2, 0]);
  expect(swish.derivative(0, 1)).toBe(5);
});

test("an unknown estimator is refused with the names of the others", () => {
  expect(() => estimatorNamed("tanh", ["mine"])).toThrow(
    'unknown estimator "tanh"; known: clip, approx, identity, swish, mine',
  );
  expect(() => estimatorNamed("constructor")).toThrow("unknown estimator");
});
