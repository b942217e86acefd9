import { crc32 } from "node:zlib";
import { UsageError } from "onebit";
import { describe, expect, it } from "vitest";
import type { Dataset } from "./dataset.js";
import { glyphMask } from "./glyph-scene.js";
import { openGlyphs } from "./glyphs.js";
import { pixelStatistics } from "./memory-split.js";
import { rng } from "./random.js";
import type { RawImage, Split } from "./split.js";

const pixels = (split: Split, i: number) => (split.image(i) as RawImage).data;

/**
 * Top-1 of softmax regression on raw pixels, normalised per channel, trained by plain stochastic
 * gradient descent in batches of 32.
 */
function linearAccuracy(data: Dataset, epochs: number, rate: number): number {
  const inputs = 3072;
  const classes = data.classes.length;
  const weights = new Float32Array(classes * (inputs + 1));
  const gradient = new Float32Array(weights.length);
  const x = new Float32Array(inputs + 1);
  const p = new Float64Array(classes);
  const forward = (split: Split, i: number): number => {
    const image = pixels(split, i);
    for (let k = 0; k < inputs; k++) x[k] = (image[k] / 255 - data.mean[k % 3]) / data.std[k % 3];
    x[inputs] = 1;
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      for (let k = 0, w = c * (inputs + 1); k <= inputs; k++, w++) sum += weights[w] * x[k];
      p[c] = sum;
    }
    return p.indexOf(Math.max(...p));
  };
  const order = Array.from({ length: data.train.length }, (_, i) => i);
  for (let epoch = 0; epoch < epochs; epoch++) {
    rng(0, "linear", epoch).shuffle(order);
    order.forEach((i, n) => {
      const top = p[forward(data.train, i)];
      const total = p.reduce((sum, v) => sum + Math.exp(v - top), 0);
      for (let c = 0; c < classes; c++) {
        const error = Math.exp(p[c] - top) / total - (c === data.train.label(i) ? 1 : 0);
        for (let k = 0, w = c * (inputs + 1); k <= inputs; k++, w++) gradient[w] += error * x[k];
      }
      if (n % 32 !== 31) return;
      for (let w = 0; w < weights.length; w++) weights[w] -= (rate / 32) * gradient[w];
      gradient.fill(0);
    });
  }
  let right = 0;
  for (let i = 0; i < data.test.length; i++) {
    if (forward(data.test, i) === data.test.label(i)) right++;
  }
  return right / data.test.length;
}

describe("glyphs", () => {
  it("gives these very pixels, on every platform and for all time", () => {
    const data = openGlyphs("glyphs");
    const sums = [0, 1, 35, 36, 11_999].map((i) => crc32(pixels(data.train, i)));
    expect(sums).toMatchInlineSnapshot(`
      [
        2166745999,
        4110396012,
        4002528879,
        3268859162,
        1675041538,
      ]
    `);
    expect(crc32(pixels(data.test, 0))).toMatchInlineSnapshot(`837517827`);
    expect(crc32(pixels(openGlyphs("glyphs", { seed: 1 }).train, 0))).toMatchInlineSnapshot(
      `2452881770`,
    );
  });

  it("does not depend on the order of asking or on how many images there are", () => {
    const all = openGlyphs("glyphs", { trainImages: 50, testImages: 10 });
    const few = openGlyphs("glyphs", { trainImages: 40, testImages: 10 });
    for (let i = 39; i >= 0; i--) expect(pixels(few.train, i)).toEqual(pixels(all.train, i));
    expect(pixels(few.train, 3)).toEqual(pixels(few.train, 3));
  });

  it("has 12,000 and 3,000 images, balanced, all different", () => {
    const data = openGlyphs("glyphs");
    expect([data.train.length, data.test.length]).toEqual([12_000, 3_000]);
    expect(data.classes.join("")).toBe("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (const split of [data.train, data.test]) {
      const counts = new Array(36).fill(0);
      for (let i = 0; i < split.length; i++) counts[split.label(i)]++;
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      seen.add(crc32(pixels(data.train, i)));
      seen.add(crc32(pixels(data.test, i)));
    }
    expect(seen.size).toBe(2000);
    expect(data.test.source(7)).toBe("glyphs version 1, seed 0, test image 7");
  });

  it("knows its mean and deviation", () => {
    const data = openGlyphs("glyphs", { trainImages: 3000, seed: 5 });
    const all = new Uint8Array(3000 * 3072);
    for (let i = 0; i < 3000; i++) all.set(pixels(data.train, i), i * 3072);
    const { mean, std } = pixelStatistics(all, 3);
    for (let c = 0; c < 3; c++) {
      expect(Math.abs(mean[c] - data.mean[c])).toBeLessThan(0.015);
      expect(Math.abs(std[c] - data.std[c])).toBeLessThan(0.015);
    }
  });

  it("is too hard for a linear model", () => {
    const data = openGlyphs("glyphs", { trainImages: 2160, testImages: 720 });
    const accuracy = linearAccuracy(data, 3, 0.02);
    // Chance is 0.028: it learns something, but far less than 0.6.
    expect(accuracy).toBeGreaterThan(0.03);
    expect(accuracy).toBeLessThan(0.6);
  });

  it("refuses absurd counts", () => {
    expect(() => openGlyphs("glyphs", { trainImages: 0 })).toThrow(UsageError);
    expect(() => openGlyphs("glyphs", { testImages: 1.5 })).toThrow(
      /cannot generate 1.5 test images/,
    );
  });

  it("says where its characters are: there the picture is darker", () => {
    const { test } = openGlyphs("glyphs", { testImages: 60 });
    const means = Array.from({ length: 60 }, (_, index) => {
      const mask = glyphMask({ part: "test", index });
      const shade = (part: number) => {
        const shades = [...pixels(test, index)].filter((_, i) => mask[Math.floor(i / 3)] === part);
        return shades.reduce((sum, value) => sum + value, 0) / shades.length;
      };
      const covered = mask.reduce((sum, bit) => sum + bit, 0);
      expect(covered).toBeGreaterThan(25);
      expect(covered).toBeLessThan(450);
      return shade(0) - shade(1);
    });
    // Clutter may be as dark in single ones.
    expect(means.filter((darker) => darker > 0).length).toBeGreaterThan(55);
    expect(means.reduce((sum, darker) => sum + darker / 60, 0)).toBeGreaterThan(40);
  });
});
