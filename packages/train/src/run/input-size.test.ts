import { describe, expect, it } from "vitest";
import type { Dataset } from "../data/index.js";
import { inputSize } from "./input-size.js";

const of = (facts: Partial<Dataset>, usual: [number, number]) =>
  inputSize({ spec: "folder:x", ...facts } as Dataset, usual);

describe("the size that a network sees", () => {
  it("is that of the data, where they have one", () => {
    expect(of({ size: [28, 24] }, [64, 64])).toEqual([28, 24]);
  });

  it("is near that of a folder's pictures, where they are alike and small", () => {
    expect(of({ size: [28, 20], side: 20 }, [64, 64])).toEqual([32, 24]);
    expect(of({ size: [64, 32], side: 32 }, [64, 64])).toEqual([64, 32]);
  });

  it.each([
    [3000, 28, 64],
    [3000, 64, 64],
    [3000, 224, 224],
    [150, 224, 224],
    [50, 32, 48],
    [32, 28, 32],
    [32, 64, 32],
    [15, 28, 8],
  ])("of photographs of %i pixels, for a network of usually %i: %i", (side, usual, size) => {
    expect(of({ side }, [usual, usual])).toEqual([size, size]);
  });

  it("is none of pictures without pixels", () => {
    expect(() => of({ side: 1 }, [28, 28])).toThrow(
      /^folder:x: the shorter side of its pictures is 1 pixel: too few .*originals/,
    );
  });
});
