import { describe, expect, it } from "vitest";
import { parsePreprocess } from "./parse-preprocess.js";

const good = {
  size: [224, 224],
  channels: 3,
  resize: 256,
  crop: "center",
  interpolation: "bilinear",
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

describe("parsePreprocess", () => {
  it("accepts what `Preprocess` allows, and drops unknown fields", () => {
    expect(parsePreprocess({ ...good, later: 1 })).toEqual(good);
    expect(parsePreprocess({ ...good, resize: [10, 20] }).resize).toEqual([10, 20]);
    const { resize: _, ...none } = good;
    expect(parsePreprocess(none)).toEqual(none);
  });

  it.each([
    [null, /preprocess: must be an object, got null/],
    [{ ...good, channels: 2 }, /preprocess.channels: must be 1 or 3, got 2/],
    [{ ...good, size: [224] }, /preprocess.size: must be \[height, width\].*got \[224\]/],
    [{ ...good, size: [2 ** 40, 1] }, /preprocess.size/],
    [{ ...good, resize: 0 }, /preprocess.resize/],
    [{ ...good, resize: 1e9 }, /preprocess.resize/],
    [{ ...good, crop: "left" }, /preprocess.crop: must be center or none, got "left"/],
    [{ ...good, interpolation: "nearest" }, /preprocess.interpolation/],
    [{ ...good, mean: [0] }, /preprocess.mean: must be 3 numbers \(finite\), one per channel/],
    [{ ...good, mean: [0, null, 0] }, /preprocess.mean/],
    [{ ...good, std: [1, 0, 1] }, /preprocess.std: must be 3 numbers \(above 0\)/],
    [{ ...good, std: [1, 1e-50, 1] }, /preprocess.std/],
    [
      {},
      /channels: must be 1 or 3, got undefined; .*size: .*; .*crop: .*; .*interpolation: .*; .*mean: must be 1 or 3 numbers.*; .*std: /,
    ],
    [
      { size: [2, 2], channels: 1 },
      /^preprocess.crop: .*; .*mean: must be 1 number \(finite\).*; .*std: /,
    ],
  ])("refuses %j", (value, message) => {
    expect(() => parsePreprocess(value)).toThrow(message);
  });
});
