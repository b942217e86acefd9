import fc from "fast-check";
import type { Interpolation } from "onebit/image";
import { describe, expect, it } from "vitest";
import { imageOf } from "../../test-support/augmented.js";
import type { RawImage } from "../split.js";
import { type Affine, rotation, shearX, shearY, transform, translate } from "./affine.js";
import { brightness, contrast, saturation, sharpness } from "./enhance.js";
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from "./tones.js";

const noise = imageOf([13, 13, 3], (x, y, c) => (x * 97 + y * 57 + c * 31 + x * y * 13) % 251);
const ramp = imageOf([256, 1, 1], (x) => x);
const both = ["bilinear", "bicubic"] as const;
const WHITE = [255, 255, 255];

const pixel = ({ data, width, channels }: RawImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * channels, (y * width + x + 1) * channels),
];

describe.each(both)("geometry, %s", (interpolation: Interpolation) => {
  const moved = (image: RawImage, matrix: Affine) => transform(image, matrix, interpolation, WHITE);

  it("by nothing leaves the image", () => {
    for (const matrix of [shearX(0), shearY(0), translate(0, 0), rotation(0, noise)]) {
      expect(moved(noise, matrix)).toEqual(noise);
    }
  });

  it("rotated by a right angle, rows are columns", () => {
    const turned = moved(noise, rotation(90, noise));
    for (let y = 0; y < 13; y++) {
      for (let x = 0; x < 13; x++) expect(pixel(turned, x, y)).toEqual(pixel(noise, 12 - y, x));
    }
    const half = moved(noise, rotation(180, noise));
    const pixels = Array.from({ length: 169 }, (_, i) => pixel(noise, i % 13, Math.floor(i / 13)));
    expect([...half.data]).toEqual(pixels.reverse().flat());
    expect(moved(moved(turned, rotation(90, noise)), rotation(180, noise))).toEqual(noise);
  });

  it("translated by whole pixels shows others, and the fill beside them", () => {
    const left = moved(noise, translate(3, -2));
    for (let y = 0; y < 13; y++) {
      for (let x = 0; x < 13; x++) {
        const inside = x + 3 < 13 && y >= 2;
        expect(pixel(left, x, y)).toEqual(inside ? pixel(noise, x + 3, y - 2) : WHITE);
      }
    }
  });

  it("sheared moves each row by its distance from the top, interpolated on a slope", () => {
    const slope = imageOf([64, 9, 1], (x) => 2 * x + 20);
    const { data, width } = transform(slope, shearX(0.5), interpolation, [0]);
    for (let y = 0; y < 9; y++) {
      for (let x = 4; x < 50; x++) {
        expect(data[y * width + x]).toBe(Math.trunc(2 * (x + 0.5 * (y + 0.5)) + 20));
      }
    }
  });

  it("keeps a constant image constant, where it does not show the fill", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (value, by) => {
          const image = imageOf([7, 5, 1], () => value);
          const matrices = [
            shearX(by),
            shearY(by),
            translate(4 * by, by),
            rotation(99 * by, image),
          ];
          for (const matrix of matrices) {
            expect(transform(image, matrix, interpolation, [value]).data).toEqual(image.data);
          }
        },
      ),
    );
  });
});

describe("tones", () => {
  it("on a ramp are their formulas", () => {
    const values = (image: RawImage) => [...image.data];
    expect(values(invert(ramp))).toEqual(values(ramp).reverse());
    expect(values(solarize(ramp, 256))).toEqual(values(ramp));
    expect(values(solarize(ramp, 0))).toEqual(values(invert(ramp)));
    expect(Math.max(...values(solarize(ramp, 128)))).toBe(127);
    expect(values(solarizeAdd(ramp, 110)).slice(17, 21)).toEqual([127, 128, 129, 130]);
    expect(values(solarizeAdd(ramp, 110)).slice(126, 130)).toEqual([236, 237, 128, 129]);
    expect(values(posterize(ramp, 8))).toEqual(values(ramp));
    expect(values(posterize(ramp, 4))).toEqual(values(ramp).map((v) => v - (v % 16)));
    expect(new Set(values(posterize(ramp, 0)))).toEqual(new Set([0]));
    expect(values(equalize(ramp))).toEqual(values(ramp));
    expect(values(autoContrast(ramp))).toEqual(values(ramp));
  });

  it("stretched fill 0 to 255, each channel by itself; one value stays", () => {
    const dull = imageOf([16, 16, 3], (x, y, c) => [100 + x, 50 + 3 * y, 9][c]);
    const { data } = autoContrast(dull);
    const channel = (c: number) => data.filter((_, i) => i % 3 === c);
    expect([Math.min(...channel(0)), Math.max(...channel(0))]).toEqual([0, 255]);
    expect([Math.min(...channel(1)), Math.max(...channel(1))]).toEqual([0, 255]);
    expect(new Set(channel(2))).toEqual(new Set([9]));
  });

  it("equalised are about evenly spread, in the order they were", () => {
    const dark = imageOf([64, 64, 1], (x, y) => 120 * ((x + 64 * y) / 4096) ** 2);
    const { data } = equalize(dark);
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    expect(Math.abs(mean - 127.5)).toBeLessThan(25);
    const made = new Map(Array.from(dark.data, (value, i) => [value, data[i]]));
    const sorted = [...made].toSorted(([a], [b]) => a - b).map(([, value]) => value);
    expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
  });
});

describe("enhancing", () => {
  it("by a factor of 1 leaves the image", () => {
    for (const enhance of [brightness, contrast, saturation, sharpness]) {
      expect(enhance(noise, 1)).toEqual(noise);
    }
  });

  it("by 0 is black, one grey, grey, or smooth", () => {
    expect(brightness(noise, 0).data.every((value) => value === 0)).toBe(true);
    expect(new Set(contrast(noise, 0).data).size).toBe(1);
    const { data } = saturation(noise, 0);
    for (let i = 0; i < data.length; i += 3) {
      expect([data[i], data[i + 1]]).toEqual([data[i + 1], data[i + 2]]);
    }
    const dot = imageOf([5, 5, 1], (x, y) => (x === 2 && y === 2 ? 130 : 0));
    const inner = (y: number) => [...sharpness(dot, 0).data.subarray(5 * y + 1, 5 * y + 4)];
    expect([inner(1), inner(2), inner(3)]).toEqual([
      [10, 10, 10],
      [10, 50, 10],
      [10, 10, 10],
    ]);
  });
});
