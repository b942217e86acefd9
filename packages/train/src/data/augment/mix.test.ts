import { describe, expect, it } from "vitest";
import { rng } from "../random.js";
import { augmenter } from "./augmenter.js";
import { symmetricBeta } from "./beta.js";
import { mixImages, mixRows } from "./mix.js";
import type { AugmentOptions } from "./settings.js";

const preprocess = {
  ...{ size: [8, 10] as [number, number], channels: 1 as const, crop: "none" as const },
  ...{ interpolation: "bilinear" as const, mean: [0.5], std: [0.2] },
};

const draws = (augment: AugmentOptions, count: number) => {
  const { drawMix } = augmenter(preprocess, augment);
  return Array.from({ length: count }, (_, n) => drawMix(rng(1, n)));
};

describe("Beta(alpha, alpha)", () => {
  it.each([0.1, 0.2, 0.8, 1, 2.5, 40])("alpha %d: mean ½, variance 1 / (8 alpha + 4)", (alpha) => {
    const random = rng(2);
    const values = Array.from({ length: 20_000 }, () => symmetricBeta(alpha, random));
    const mean = values.reduce((sum, x) => sum + x) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.015);
    expect(variance * (8 * alpha + 4)).toBeCloseTo(1, 1);
    expect(values.every((x) => x >= 0 && x <= 1)).toBe(true);
  });

  it("of 1 is uniform; of a thousandth, 0 or 1", () => {
    const random = rng(3);
    const uniform = Array.from({ length: 10_000 }, () => symmetricBeta(1, random));
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = uniform.filter((x) => Math.floor(10 * x) === tenth).length / 10_000;
      expect(Math.abs(share - 0.1)).toBeLessThan(0.015);
    }
    const extreme = Array.from({ length: 500 }, () => symmetricBeta(0.001, random));
    expect(extreme.filter((x) => x > 1e-6 && x < 1 - 1e-6).length).toBeLessThan(20);
  });
});

describe("which batches are mixed", () => {
  it("as many as the probability says", () => {
    expect(draws({}, 10).every((mix) => mix === undefined)).toBe(true);
    const half = draws({ mixup: { probability: 0.5 } }, 2000).filter(Boolean).length;
    expect(Math.abs(half - 1000)).toBeLessThan(100);
    expect(draws({ mixup: true }, 200).every((mix) => mix && !mix.box)).toBe(true);
    expect(draws({ cutmix: true }, 200).every((mix) => mix?.box)).toBe(true);
  });

  it("half of them by cutmix where both are on, or as many as switch says", () => {
    const boxes = (cutmix: AugmentOptions[string]) =>
      draws({ mixup: true, cutmix }, 2000).filter((mix) => mix?.box).length / 2000;
    expect(boxes(true)).toBeCloseTo(0.5, 1);
    expect(boxes({ switch: 0.2 })).toBeCloseTo(0.2, 1);
    expect(boxes({ switch: 0 })).toBe(0);
  });

  it("with a box inside the image, whose area is the partner's share", () => {
    for (const mix of draws({ cutmix: true }, 500)) {
      const { left, top, width, height } = mix!.box!;
      expect(left >= 0 && top >= 0 && left + width <= 10 && top + height <= 8).toBe(true);
      expect(mix!.weight).toBeCloseTo(1 - (width * height) / 80, 12);
    }
  });
});

describe("mixing a batch", () => {
  /** Five images [2, 8, 10] of one value per image and place. */
  const batch = () =>
    Float32Array.from({ length: 5 * 160 }, (_, i) => Math.floor(i / 160) * 1000 + (i % 160));
  const size = [8, 10] as const;

  it("blends each with its partner from the other end", () => {
    const [before, images] = [batch(), batch()];
    const { partner, weight } = mixImages(images, 5, size, { weight: 0.75 });
    expect([...partner]).toEqual([4, 3, 2, 1, 0]);
    expect([...weight]).toEqual([0.75, 0.75, 0.75, 0.75, 0.75]);
    images.forEach((value, i) => {
      const other = before[(4 - Math.floor(i / 160)) * 160 + (i % 160)];
      expect(value).toBeCloseTo(0.75 * before[i] + 0.25 * other, 3);
    });
  });

  it("exchanges a box, in every channel", () => {
    const [before, images] = [batch(), batch()];
    const box = { left: 3, top: 2, width: 4, height: 5 };
    mixImages(images, 5, size, { weight: 0.75, box });
    images.forEach((value, i) => {
      const [x, y] = [i % 10, Math.floor(i / 10) % 8];
      const inside = x >= 3 && x < 7 && y >= 2 && y < 7;
      const other = before[(4 - Math.floor(i / 160)) * 160 + (i % 160)];
      expect(value).toBe(inside ? other : before[i]);
    });
  });

  it("mixes rows alike: labels become shares that sum to 1", () => {
    const mixed = { partner: Int32Array.of(2, 1, 0), weight: Float32Array.of(0.75, 0.75, 0.75) };
    const labels = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    expect([...mixRows(labels, mixed)]).toEqual([0.75, 0, 0.25, 0, 1, 0, 0.25, 0, 0.75]);
  });
});
