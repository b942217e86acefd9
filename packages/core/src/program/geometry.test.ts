import { describe, expect, it } from "vitest";
import { borderClasses } from "./geometry.js";

const step = (kernel: number, stride: number, padding: number) => ({
  kernel: [kernel, 1] as const,
  stride: [stride, 1] as const,
  padding: [padding, 0] as const,
});

describe("border classes", () => {
  it("are three for 3x3 with padding 1", () => {
    const { ranges, classes } = borderClasses(5, 5, step(3, 1, 1), 0, true);
    expect(ranges).toEqual([
      [1, 3],
      [0, 3],
      [0, 2],
    ]);
    expect([...classes]).toEqual([0, 1, 1, 1, 2]);
  });

  it("are two with stride 2 on an even size", () => {
    expect([...borderClasses(6, 3, step(3, 2, 1), 0, true).classes]).toEqual([0, 1, 1]);
  });

  it("know the image of one pixel, and windows outside it", () => {
    expect(borderClasses(1, 1, step(3, 1, 1), 0, true).ranges).toEqual([[1, 2]]);
    const outside = borderClasses(1, 5, step(1, 1, 2), 0, true);
    const lengths = Array.from(outside.classes, (c) => outside.ranges[c][1] - outside.ranges[c][0]);
    expect(lengths).toEqual([0, 0, 1, 0, 0]);
  });

  it("are one where nothing is corrected", () => {
    const { ranges, classes } = borderClasses(4, 4, step(3, 1, 1), 0, false);
    expect(ranges).toEqual([[0, 3]]);
    expect([...classes]).toEqual([0, 0, 0, 0]);
  });
});
