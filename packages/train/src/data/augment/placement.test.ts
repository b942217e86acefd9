import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { augmented } from "../../test-support/augmented.js";
import { rng } from "../random.js";
import type { RawImage } from "../split.js";
import { flipHorizontally, flipVertically } from "./flip.js";

function numbered(width: number, height: number, channels: 1 | 3 = 1): RawImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i % 255) + 1);
  return { data, width, height, channels };
}

const side = fc.integer({ min: 1, max: 12 });
const channels = fc.constantFrom<(1 | 3)[]>(1, 3);

describe("pad", () => {
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
      const key = augmented(image, { pad }, random).data.join();
      offsets.set(key, (offsets.get(key) ?? 0) + 1);
    }
    expect(offsets.size).toBe(25);
    for (const count of offsets.values()) expect(Math.abs(count - 200)).toBeLessThan(60);
  });

  it("keeps the size, even where the padding is wider than the image", () => {
    fc.assert(
      fc.property(side, side, channels, fc.nat(20), fc.nat(), (w, h, c, pad, seed) => {
        const out = augmented(numbered(w, h, c), { pad }, rng(seed));
        expect([out.width, out.height, out.data.length]).toEqual([w, h, w * h * c]);
      }),
    );
  });
});

describe("flip", () => {
  const image: RawImage = {
    data: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ...{ width: 2, height: 2, channels: 3 },
  };

  it("reverses each row, or the rows, pixel by pixel", () => {
    expect([...flipHorizontally(image).data]).toEqual([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
    expect([...flipVertically(image).data]).toEqual([7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6]);
  });

  it("twice is nothing", () => {
    fc.assert(
      fc.property(side, side, channels, (w, h, c) => {
        const image = numbered(w, h, c);
        expect(flipHorizontally(flipHorizontally(image))).toEqual(image);
        expect(flipVertically(flipVertically(image))).toEqual(image);
      }),
    );
  });

  it("happens as often as it is told to", () => {
    const random = rng(2);
    const counts = new Map<string, number>();
    for (let n = 0; n < 4000; n++) {
      const flipped = augmented(image, { flip: { probability: 0.25, vertical: 0.1 } }, random);
      const first = String(flipped.data[0]);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    const share = (first: number) => (counts.get(String(first)) ?? 0) / 4000;
    // Neither, left to right, top to bottom, both.
    expect(Math.abs(share(1) - 0.675)).toBeLessThan(0.03);
    expect(Math.abs(share(4) - 0.225)).toBeLessThan(0.03);
    expect(Math.abs(share(7) - 0.075)).toBeLessThan(0.02);
    expect(Math.abs(share(10) - 0.025)).toBeLessThan(0.015);
  });
});
