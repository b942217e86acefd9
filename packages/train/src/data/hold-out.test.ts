import { describe, expect, it } from "vitest";
import { labelCounts } from "../run/class-counts.js";
import { openGlyphs } from "./glyphs.js";
import { type HoldOut, holdOut } from "./hold-out.js";

const data = openGlyphs("glyphs", { trainImages: 1000, testImages: 72 });
const sources = ({ length, source }: typeof data.train) =>
  Array.from({ length }, (_, i) => source(i));
const held = (how: HoldOut) => sources(holdOut(data, how).test);

describe("holdOut", () => {
  it("parts the training images and leaves the test images for the end", () => {
    const { train, test, finalTest } = holdOut(data, { share: 0.1 });
    expect([train.length, test.length]).toEqual([900, 100]);
    expect([...sources(train), ...sources(test)].sort()).toEqual(sources(data.train).sort());
    expect(finalTest).toBe(data.test);
  });

  it("holds back the same share of every class", () => {
    const counts = labelCounts(holdOut(data, { share: 0.1 }).test, 36);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  });

  it("chooses by the seed alone", () => {
    expect(held({ share: 0.1 })).toEqual(held({ share: 0.1, seed: 0 }));
    expect(held({ share: 0.1, seed: 1 })).not.toEqual(held({ share: 0.1 }));
  });

  it("leaves every class an image to train on", () => {
    const few = openGlyphs("glyphs", { trainImages: 40, testImages: 36 });
    const { train, test } = holdOut(few, { share: 0.9 });
    expect(Math.min(...labelCounts(train, 36))).toBe(1);
    expect(test.length).toBe(4);
  });

  it.each([0, 1, -0.1, Number.NaN])("refuses a share of %d", (share) => {
    expect(() => holdOut(data, { share })).toThrow(/validation is .*above 0 and below 1/);
  });

  it("refuses a share that is no image", () => {
    expect(() => holdOut(data, { share: 1e-4 })).toThrow(/glyphs: 0.0001 of 1,000 training images/);
  });
});
