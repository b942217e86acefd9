import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rng } from "../random.js";
import type { RawImage } from "../split.js";
import { prepare } from "./augmenter.js";
import { randomRectangle } from "./resized-crop.js";

const usual = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] } as const;
const side = fc.integer({ min: 1, max: 12 });
const channels = fc.constantFrom<(1 | 3)[]>(1, 3);

describe("random resized crop", () => {
  /** Mean share of the area by integration over (area, log ratio), where the rectangle fits. */
  function expectedShare(width: number, height: number): number {
    let sum = 0;
    let fitting = 0;
    for (let i = 0; i < 200; i++) {
      for (let j = 0; j < 200; j++) {
        const share = 0.08 + (0.92 * (i + 0.5)) / 200;
        const aspect = (3 / 4) ** (1 - (2 * (j + 0.5)) / 200);
        const area = share * width * height;
        if (Math.sqrt(area * aspect) > width || Math.sqrt(area / aspect) > height) continue;
        sum += share;
        fitting++;
      }
    }
    return sum / fitting;
  }

  it("stays inside, with area and ratio in range", () => {
    const random = rng(2);
    let area = 0;
    for (let n = 0; n < 3000; n++) {
      const r = randomRectangle({ width: 400, height: 300 }, random, usual);
      expect(r.left).toBeGreaterThanOrEqual(0);
      expect(r.top).toBeGreaterThanOrEqual(0);
      expect(r.left + r.width).toBeLessThanOrEqual(400);
      expect(r.top + r.height).toBeLessThanOrEqual(300);
      const share = (r.width * r.height) / 120_000;
      expect(share).toBeGreaterThan(0.075);
      expect(share).toBeLessThanOrEqual(1);
      expect(r.width / r.height).toBeGreaterThan(0.74);
      expect(r.width / r.height).toBeLessThan(1.35);
      area += share;
    }
    expect(Math.abs(area / 3000 - expectedShare(400, 300))).toBeLessThan(0.02);
  });

  it("is as often wide as tall", () => {
    const random = rng(3);
    const square = { width: 1000, height: 1000 };
    let wide = 0;
    for (let n = 0; n < 2000; n++) {
      const { width, height } = randomRectangle(square, random, { ...usual, scale: [0.1, 0.2] });
      if (width > height) wide++;
    }
    expect(Math.abs(wide - 1000)).toBeLessThan(100);
  });

  it("falls back to the centre where no try fits", () => {
    // Ten tries of at least half of a 1000 x 10 image at ratios up to 4/3 are all too tall.
    const half = { ...usual, scale: [0.5, 1] } as const;
    const wide = randomRectangle({ width: 1000, height: 10 }, rng(4), half);
    expect(wide).toEqual({ left: 493, top: 0, width: 13, height: 10 });
    const tall = randomRectangle({ width: 10, height: 1000 }, rng(4), half);
    expect(tall).toEqual({ left: 0, top: 493, width: 10, height: 13 });
  });

  it("gives the size asked for and keeps a constant image constant", () => {
    fc.assert(
      fc.property(side, side, side, side, channels, fc.nat(), (w, h, W, H, c, seed) => {
        const data = new Uint8Array(w * h * c).fill(77);
        const image: RawImage = { data, width: w, height: h, channels: c };
        const preprocess = {
          ...{ size: [H, W] as [number, number], channels: c, crop: "none" as const },
          ...{ interpolation: "bicubic" as const, mean: [0.5, 0.5, 0.5], std: [1, 1, 1] },
        };
        const resizedCrop = { interpolation: "random" };
        const out = prepare(image, preprocess, { resizedCrop }, rng(seed));
        expect([out.width, out.height, out.channels]).toEqual([W, H, c]);
        expect(out.data.every((v) => v === 77)).toBe(true);
      }),
    );
  });
});
