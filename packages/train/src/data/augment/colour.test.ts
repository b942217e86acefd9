import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { augmented } from "../../test-support/augmented.js";
import { type Random, rng } from "../random.js";
import type { RawImage } from "../split.js";
import { brightness, contrast, saturation } from "./enhance.js";
import { shiftHue } from "./hue.js";

const pixels = [
  ...[198, 126, 129, 107, 75, 251, 226, 251, 84, 246, 189, 223],
  ...[124, 28, 225, 135, 1, 191, 49, 222, 86, 114, 15, 71],
];
const colour: RawImage = { data: Uint8Array.from(pixels), width: 4, height: 2, channels: 3 };
/** Of Pillow's convert("L"). */
const luma = [148, 105, 225, 210, 79, 63, 155, 51];

const light = (image: RawImage, [first, second, third]: number[]) =>
  saturation(contrast(brightness(image, first), second), third);

/** Pillow 12.3, ImageEnhance.Brightness, .Contrast and .Color, one after another. */
const enhanced: [factors: number[], colour: number[]][] = [
  [
    [0.75, 1, 1],
    [
      148, 94, 96, 80, 56, 188, 169, 188, 63, 184, 141, 167, 93, 21, 168, 101, 0, 143, 36, 166, 64,
    ].concat([85, 11, 53]),
  ],
  [
    [1, 1.25, 1],
    [
      215, 125, 129, 101, 61, 255, 250, 255, 72, 255, 204, 246, 122, 2, 249, 136, 0, 206, 29, 245,
    ].concat([75, 110, 0, 56]),
  ],
  [
    [1, 1, 0.75],
    [
      185, 131, 133, 106, 82, 214, 225, 244, 119, 237, 194, 219, 112, 40, 188, 117, 16, 159, 75,
      205,
    ].concat([103, 98, 24, 66]),
  ],
  [
    [1.25, 0.75, 1.25],
    [
      234, 149, 153, 138, 101, 253, 232, 232, 91, 231, 212, 231, 165, 52, 255, 179, 23, 246, 60,
      243,
    ].concat([104, 158, 42, 107]),
  ],
];

describe("light", () => {
  it.each(enhanced)("by factors %j is what Pillow makes of it", (factors, expected) => {
    expect([...light(colour, factors).data]).toEqual(expected);
  });

  it("leaves out saturation for grey", () => {
    const grey: RawImage = { data: Uint8Array.from(luma), width: 4, height: 2, channels: 1 };
    const out = light(grey, [1.25, 0.75, 9]);
    expect([...out.data]).toEqual([178, 137, 230, 230, 112, 97, 184, 86]);
  });

  it("changes nothing by factors of 1", () => {
    expect([...light(colour, [1, 1, 1]).data]).toEqual(pixels);
  });
});

describe("hue", () => {
  const pure = (...data: number[]): RawImage => ({
    ...{ data: Uint8Array.from(data), width: data.length / 3, height: 1, channels: 3 },
  });

  it("a third of the circle further, red is green, green blue and blue red", () => {
    const turned = shiftHue(pure(255, 0, 0, 0, 255, 0, 0, 0, 255), 1 / 3);
    expect([...turned.data]).toEqual([0, 255, 0, 0, 0, 255, 255, 0, 0]);
  });

  it("keeps greys, and the brightest channel of others", () => {
    const image = pure(...pixels, 9, 9, 9);
    for (const share of [-0.5, -0.2, 0, 0.1, 0.37]) {
      const { data } = shiftHue(image, share);
      expect([...data.subarray(-3)]).toEqual([9, 9, 9]);
      for (let i = 0; i < data.length; i += 3) {
        const [before, after] = [image.data, data].map((d) => Math.max(...d.subarray(i, i + 3)));
        expect(after).toBe(before);
      }
    }
  });
});

describe("colour", () => {
  it("draws factors within the strength, and their mean is 1", () => {
    const grey = (value: number): RawImage => ({
      ...{ data: Uint8Array.of(value), width: 1, height: 1, channels: 1 },
    });
    const random = rng(5);
    let sum = 0;
    for (let n = 0; n < 2000; n++) {
      const colour = { brightness: 0.4, contrast: 0, saturation: 0 };
      const [value] = augmented(grey(100), { colour }, random).data;
      expect(value).toBeGreaterThanOrEqual(60);
      expect(value).toBeLessThanOrEqual(140);
      sum += value;
    }
    expect(Math.abs(sum / 2000 - 99.5)).toBeLessThan(1.5);
  });

  it("goes through them in the order that is drawn", () => {
    const draw = (shuffle: (items: unknown[]) => unknown[], ...factors: number[]) =>
      ({ ...rng(0), shuffle, uniform: () => factors.shift() }) as Random;
    const options = { colour: { brightness: 0.8, contrast: 0.8, saturation: 0 } };
    const first = augmented(
      colour,
      options,
      draw((items) => items, 1.7, 1.6),
    );
    expect(first).toEqual(contrast(brightness(colour, 1.7), 1.6));
    const last = augmented(
      colour,
      options,
      draw((items) => items.reverse(), 1.6, 1.7),
    );
    expect(last).toEqual(brightness(contrast(colour, 1.6), 1.7));
    expect(last).not.toEqual(first);
  });

  it("a strength without a name is that of brightness, contrast and saturation", () => {
    const named = { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0 };
    expect(augmented(colour, { colour: 0.3 }, rng(3))).toEqual(
      augmented(colour, { colour: named }, rng(3)),
    );
  });

  it("keeps the size, and the image where the strength is 0", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, strength) => {
        const out = augmented(colour, { colour: strength }, rng(seed));
        expect([out.width, out.height, out.channels, out.data.length]).toEqual([4, 2, 3, 24]);
      }),
    );
    expect([...augmented(colour, { colour: 0 }).data]).toEqual(pixels);
  });
});
