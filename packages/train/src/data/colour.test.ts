import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shiftColours } from "./colour.js";
import { type Random, rng } from "./random.js";
import type { RawImage } from "./split.js";

const pixels = [
  ...[198, 126, 129, 107, 75, 251, 226, 251, 84, 246, 189, 223],
  ...[124, 28, 225, 135, 1, 191, 49, 222, 86, 114, 15, 71],
];
const colour: RawImage = { data: Uint8Array.from(pixels), width: 4, height: 2, channels: 3 };
/** Of Pillow's convert("L"). */
const luma = [148, 105, 225, 210, 79, 63, 155, 51];

/** Draws these numbers in turn as what `uniform` gives. */
function drawn(...factors: number[]): Random {
  return { ...rng(0), uniform: () => factors.shift()! };
}

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

describe("shiftColours", () => {
  it.each(enhanced)("by factors %j is what Pillow makes of it", (factors, expected) => {
    expect([...shiftColours(colour, 0.25, drawn(...factors)).data]).toEqual(expected);
  });

  it("leaves out saturation for grey", () => {
    const grey: RawImage = { data: Uint8Array.from(luma), width: 4, height: 2, channels: 1 };
    const out = shiftColours(grey, 0.25, drawn(1.25, 0.75, 9));
    expect([...out.data]).toEqual([178, 137, 230, 230, 112, 97, 184, 86]);
  });

  it("keeps the size, and the image where the strength is 0", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, strength) => {
        const out = shiftColours(colour, strength, rng(seed));
        expect([out.width, out.height, out.channels, out.data.length]).toEqual([4, 2, 3, 24]);
      }),
    );
    expect([...shiftColours(colour, 0, rng(1)).data]).toEqual(pixels);
  });
});
