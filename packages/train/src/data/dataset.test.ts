import { UsageError } from "onebit";
import { describe, expect, it } from "vitest";
import { type Dataset, openDataset, preprocessFor } from "./dataset.js";

describe("openDataset", () => {
  it.each([
    ["glyph", /unknown data set "glyph": known are glyphs, idx:DIR, /],
    ["glyphs:x", /unknown data set "glyphs:x"/],
    ["constructor:x", /unknown data set/],
    ["", /unknown data set ""/],
    ["idx:", /data set "idx:" needs a folder: write idx:DIR/],
    ["cifar", /needs a folder: write cifar:DIR/],
    ["folder:/nowhere/at/all", /there is no folder \/nowhere\/at\/all/],
  ])("refuses %j", async (spec, message) => {
    const opening = openDataset(spec);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toBeInstanceOf(UsageError);
  });
});

describe("preprocessFor", () => {
  const base = {
    spec: "idx:x",
    channels: 1,
    size: [28, 28],
    mean: [0.3],
    std: [0.4],
  } as unknown as Dataset;

  it("follows the data set", () => {
    expect(preprocessFor(base)).toEqual({
      size: [28, 28],
      channels: 1,
      resize: [28, 28],
      crop: "none",
      interpolation: "bilinear",
      mean: [0.3],
      std: [0.4],
    });
  });

  it("follows the network: size, and grey repeated for colour", () => {
    const p = preprocessFor(base, { size: [32, 32], channels: 3 });
    expect(p).toMatchObject({ size: [32, 32], resize: [32, 32], channels: 3 });
    expect(p.mean).toEqual([0.3, 0.3, 0.3]);
    expect(p.std).toEqual([0.4, 0.4, 0.4]);
  });

  it("weighs colour as its grey does", () => {
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ];
    const p = preprocessFor({ ...base, channels: 3, mean, std }, { channels: 1 });
    expect(p).toMatchObject({ channels: 1, mean: [0.459], std: [0.2256] });
  });
});
