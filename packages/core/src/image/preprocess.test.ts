import { describe, expect, it } from "vitest";
import { centerCrop, fit, normalize, type Preprocess, preprocess } from "./preprocess.js";
import { type PixelImage, resize } from "./resize.js";

const base: Preprocess = {
  size: [2, 2],
  channels: 3,
  crop: "none",
  interpolation: "bilinear",
  mean: [0.5, 0.25, 0],
  std: [0.5, 0.25, 2],
};

function numbered(width: number, height: number, channels = 1): PixelImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => i % 256);
  return { data, width, height, channels };
}

/** Bits 16 to 23 of the C standard's example generator. */
function noise(length: number): Uint8Array {
  let state = 1n;
  return Uint8Array.from({ length }, () => {
    state = (state * 1103515245n + 12345n) & 0x7fffffffn;
    return Number((state >> 16n) & 255n);
  });
}

describe("preprocess", () => {
  it("puts (value / 255 - mean) / std into planes", () => {
    const data = new Uint8Array([0, 51, 255, 255, 0, 0, 0, 255, 51, 51, 51, 51]);
    const out = preprocess({ data, width: 2, height: 2, channels: 3 }, base);
    const expected = [-1, 1, -1, -0.6, -0.2, -1, 3, -0.2, 0.5, 0, 0.1, 0.1];
    expected.forEach((value, i) => {
      expect(out[i]).toBeCloseTo(value, 6);
    });
  });

  it("rounds each operation to single precision", () => {
    const p = { ...base, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    const data = new Uint8Array(12).fill(77);
    const f = Math.fround;
    const out = preprocess({ data, width: 2, height: 2, channels: 3 }, p);
    expect(out[4]).toBe(f(f(f(77 / 255) - f(0.456)) / f(0.224)));
  });

  it("resizes the shorter side and rounds the longer one down", () => {
    const p: Preprocess = { ...base, resize: 4, crop: "center", size: [4, 4] };
    const image = numbered(15, 10, 3);
    const wide = resize(image, { width: 6, height: 4 });
    expect(fit(image, p)).toEqual(centerCrop(wide, [4, 4]));
    const tall = numbered(3, 5, 3);
    expect(fit(tall, { ...p, resize: [4, 4], crop: "none" })).toMatchObject({
      width: 4,
      height: 4,
    });
    expect(fit(tall, { ...p, size: [6, 4], resize: 4 })).toMatchObject({ width: 4, height: 6 });
  });

  it("stretches to the size when there is neither resize nor crop", () => {
    expect(fit(numbered(5, 3, 3), base)).toEqual(
      resize(numbered(5, 3, 3), { width: 2, height: 2 }),
    );
  });

  it("crops the middle, odd remainders as Python rounds", () => {
    // (5 - 2) / 2 = 1.5 rounds to 2; (3 - 2) / 2 = 0.5 rounds to 0.
    expect([...centerCrop(numbered(5, 3), [2, 2]).data]).toEqual([2, 3, 7, 8]);
    expect([...centerCrop(numbered(4, 4), [2, 2]).data]).toEqual([5, 6, 9, 10]);
  });

  it.each([
    ["wide", 65_000, 1],
    ["tall", 1, 65_000],
  ])("resizes of a %s strip only what the crop leaves", (_, width, height) => {
    const length = width * height;
    // A ramp of one step per pixel around the middle, where it is 128.
    const data = Uint8Array.from({ length }, (_, i) => i - length / 2 + 128);
    const p: Preprocess = { ...base, size: [224, 224], resize: 256, crop: "center" };
    const { data: out, ...size } = fit({ data, width, height, channels: 1 }, p);
    expect(size).toEqual({ width: 224, height: 224, channels: 1 });
    // 224 of 256 to a pixel: 7/8 of the ramp's step, from the middle of pixel 127 to that of 128.
    const along = Array.from({ length: 224 }, (_, i) => out[width > height ? i : i * 224]);
    along.forEach((value, i) => {
      expect(Math.abs(value - (127.5 + (i - 111.5) / 256))).toBeLessThanOrEqual(0.51);
    });
  });

  it("repeats grey for a colour network", () => {
    const p = { ...base, mean: [0, 0, 0], std: [1, 1, 1] };
    const out = preprocess(numbered(2, 2), p);
    expect(out.slice(0, 4)).toEqual(out.slice(4, 8));
    expect(out.slice(0, 4)).toEqual(out.slice(8, 12));
  });

  it("makes colour grey for a grey network, before it resizes", () => {
    const p: Preprocess = { ...base, channels: 1, mean: [0], std: [1], size: [4, 6] };
    const image = { data: noise(13 * 9 * 3), width: 13, height: 9, channels: 3 };
    // Pillow 12.3: convert("L").resize((6, 4), BILINEAR); resized first, 9 of them would be 1 higher.
    const pillow = [
      ...[121, 143, 120, 109, 132, 137, 117, 117, 129, 125, 127, 99],
      ...[140, 131, 118, 136, 144, 119, 122, 140, 104, 106, 128, 122],
    ];
    expect([...fit(image, p).data]).toEqual(pillow);
    expect(Array.from(preprocess(image, p), (v) => Math.round(v * 255))).toEqual(pillow);
    const direct = new Float32Array(2);
    const pair = { data: Uint8Array.of(255, 0, 0, 1, 2, 3), width: 2, height: 1, channels: 3 };
    normalize(pair, { ...p, size: [1, 2] }, direct);
    expect(Array.from(direct, (v) => Math.round(v * 255))).toEqual([76, 2]);
  });

  it("lays alpha on white before it becomes grey", () => {
    const p: Preprocess = { ...base, channels: 1, mean: [0], std: [1], size: [1, 2] };
    const data = Uint8Array.of(255, 0, 0, 255, 255, 0, 0, 0);
    const out = preprocess({ data, width: 2, height: 1, channels: 4 }, p);
    expect(Array.from(out, (v) => Math.round(v * 255))).toEqual([76, 255]);
  });

  it.each([1, 3] as const)("an alpha of 255 changes nothing, for %i channels", (channels) => {
    const p: Preprocess = { ...base, channels, size: [3, 2], resize: 3, crop: "center" };
    const opaque = numbered(9, 7, 3);
    const data = new Uint8ClampedArray(9 * 7 * 4).fill(255);
    opaque.data.forEach((byte, i) => {
      data[4 * Math.floor(i / 3) + (i % 3)] = byte;
    });
    expect(fit({ ...opaque, data, channels: 4 }, p)).toEqual(fit(opaque, p));
    const grey = numbered(9, 7);
    const pairs = new Uint8Array(2 * grey.data.length).fill(255);
    grey.data.forEach((byte, i) => {
      pairs[2 * i] = byte;
    });
    expect(fit({ ...grey, data: pairs, channels: 2 }, p)).toEqual(fit(grey, p));
  });

  it("composites alpha on white", () => {
    const p = { ...base, mean: [0, 0, 0], std: [1, 1, 1], size: [1, 2] as [number, number] };
    const data = new Uint8ClampedArray([100, 0, 50, 255, 100, 0, 50, 51]);
    const out = preprocess({ data, width: 2, height: 1, channels: 4 }, p);
    const values = Array.from(out, (v) => Math.round(v * 255));
    expect(values).toEqual([100, 224, 0, 204, 50, 214]);
    const greyAlpha = { data: new Uint8Array([10, 0, 10, 255]), width: 2, height: 1, channels: 2 };
    expect(Array.from(preprocess(greyAlpha, p).slice(0, 2), (v) => Math.round(v * 255))).toEqual([
      255, 10,
    ]);
  });

  it("says what does not fit", () => {
    const p: Preprocess = { ...base, crop: "center", size: [4, 4] };
    expect(() => preprocess(numbered(3, 5, 3), p)).toThrow(
      /image of 3x5 is smaller than the crop of 4x4/,
    );
    expect(() => preprocess(numbered(8, 6, 3), { ...base, size: [4, 4], resize: 4 })).toThrow(
      /becomes 5x4, but the network takes 4x4 and crop is "none"/,
    );
    expect(() => preprocess(numbered(2, 2, 5), base)).toThrow(/5 channels: give 1/);
    expect(() => preprocess(numbered(2, 2, 3), { ...base, std: [1, 0, 1] })).toThrow(/std 0/);
    expect(() => preprocess(numbered(2, 2, 3), { ...base, mean: [0] })).toThrow(/mean undefined/);
  });
});
