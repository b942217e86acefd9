import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flipHorizontally, padAndCrop, randomCropRectangle, randomResizedCrop } from "./augment.js";
import { rng } from "./random.js";
import type { RawImage } from "./split.js";

function numbered(width: number, height: number, channels: 1 | 3 = 1): RawImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i % 255) + 1);
  return { data, width, height, channels };
}

const side = fc.integer({ min: 1, max: 12 });
const channels = fc.constantFrom<(1 | 3)[]>(1, 3);

describe("padAndCrop", () => {
  /** The padded image, written out, and its crop at (left, top). */
  function padded(
    { data, width, height, channels }: RawImage,
    pad: number,
    x0: number,
    y0: number,
  ) {
    const at = (x: number, y: number, c: number) =>
      x < 0 || y < 0 || x >= width || y >= height ? 0 : data[(y * width + x) * channels + c];
    return Uint8Array.from(data, (_, i) => {
      const c = i % channels;
      const x = Math.floor(i / channels) % width;
      const y = Math.floor(i / channels / width);
      return at(x + x0 - pad, y + y0 - pad, c);
    });
  }

  it("is a crop of the zero-padded image, every offset alike", () => {
    const image = numbered(5, 4, 3);
    const pad = 2;
    const offsets = new Map<string, number>();
    for (let y = 0; y <= 2 * pad; y++) {
      for (let x = 0; x <= 2 * pad; x++) offsets.set(padded(image, pad, x, y).join(), 0);
    }
    const random = rng(1);
    for (let n = 0; n < 5000; n++) {
      const key = padAndCrop(image, pad, random).data.join();
      offsets.set(key, (offsets.get(key) ?? 0) + 1);
    }
    expect(offsets.size).toBe(25);
    for (const count of offsets.values()) expect(Math.abs(count - 200)).toBeLessThan(60);
  });

  it("keeps the size, even where the padding is wider than the image", () => {
    fc.assert(
      fc.property(side, side, channels, fc.nat(20), fc.nat(), (w, h, c, pad, seed) => {
        const out = padAndCrop(numbered(w, h, c), pad, rng(seed));
        expect([out.width, out.height, out.data.length]).toEqual([w, h, w * h * c]);
      }),
    );
  });
});

describe("flipHorizontally", () => {
  it("reverses each row, pixel by pixel", () => {
    const image = { data: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) };
    const out = flipHorizontally({ ...image, width: 2, height: 2, channels: 3 });
    expect([...out.data]).toEqual([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
  });
  it("twice is nothing", () => {
    fc.assert(
      fc.property(side, side, channels, (w, h, c) => {
        const image = numbered(w, h, c);
        expect(flipHorizontally(flipHorizontally(image))).toEqual(image);
      }),
    );
  });
});

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
      const r = randomCropRectangle(400, 300, random);
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
    let wide = 0;
    for (let n = 0; n < 2000; n++) {
      const { width, height } = randomCropRectangle(1000, 1000, random, { scale: [0.1, 0.2] });
      if (width > height) wide++;
    }
    expect(Math.abs(wide - 1000)).toBeLessThan(100);
  });

  it("falls back to the centre where no try fits", () => {
    // Ten tries of at least half of a 1000 x 10 image at ratios up to 4/3 are all too tall.
    const wide = randomCropRectangle(1000, 10, rng(4), { scale: [0.5, 1] });
    expect(wide).toEqual({ left: 493, top: 0, width: 13, height: 10 });
    const tall = randomCropRectangle(10, 1000, rng(4), { scale: [0.5, 1] });
    expect(tall).toEqual({ left: 0, top: 493, width: 10, height: 13 });
  });

  it("gives the size asked for and keeps a constant image constant", () => {
    fc.assert(
      fc.property(side, side, side, side, channels, fc.nat(), (w, h, W, H, c, seed) => {
        const data = new Uint8Array(w * h * c).fill(77);
        const image: RawImage = { data, width: w, height: h, channels: c };
        const out = randomResizedCrop(image, [H, W], "bicubic", rng(seed));
        expect([out.width, out.height, out.channels]).toEqual([W, H, c]);
        expect(out.data.every((v) => v === 77)).toBe(true);
      }),
    );
  });
});
