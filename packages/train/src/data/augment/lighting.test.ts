import { expect, it } from "vitest";
import { augmented, imageOf } from "../../test-support/augmented.js";
import { rng } from "../random.js";

const samples = (channels: 1 | 3, std: number) => {
  const grey = imageOf([2, 1, channels], () => 128);
  const random = rng(1);
  return Array.from({ length: 4000 }, () => {
    const { data } = augmented(grey, { lighting: std }, random);
    return [...data].map((value) => value - 128);
  });
};

it("shifts all pixels of a channel alike, with the covariance of AlexNet's components", () => {
  const shifts = samples(3, 0.3);
  for (const [r, g, b, ...second] of shifts) expect(second).toEqual([r, g, b]);
  const covariance = (i: number, j: number) =>
    shifts.reduce((sum, shift) => sum + shift[i] * shift[j], 0) / shifts.length;
  // V diag((255 · 0.3 · eigenvalue)²) Vᵀ, its first rows: 89.7, 91.2, 91.3; rounding adds 1/12 to variances.
  const [v, e] = [
    [
      [-0.5675, 0.7192, 0.4009],
      [-0.5808, -0.0045, -0.814],
      [-0.5836, -0.6948, 0.4203],
    ],
    [0.2175, 0.0188, 0.0045].map((value) => (255 * 0.3 * value) ** 2),
  ];
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const expected = e.reduce((sum, value, k) => sum + v[i][k] * value * v[j][k], 0);
      expect(Math.abs(covariance(i, j) / expected - 1)).toBeLessThan(0.08);
    }
  }
});

it("changes grey as much as the grey of a colour", () => {
  const [colour, grey] = [samples(3, 0.3), samples(1, 0.3)];
  const variance = (values: number[]) =>
    values.reduce((sum, value) => sum + value * value, 0) / values.length;
  const luma = colour.map(([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b);
  expect(variance(grey.map(([value]) => value)) / variance(luma)).toBeCloseTo(1, 0);
});
