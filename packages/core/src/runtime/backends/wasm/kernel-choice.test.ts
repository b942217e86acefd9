import { describe, expect, it } from "vitest";
import type { BinaryConvStep } from "../../../program/types.js";
import { chooseKernel, classKey, estimatedKernel, kernelsFor } from "./kernel-choice.js";

const conv = (out: number, groups = 1): BinaryConvStep => ({
  ...{ kind: "binary-conv", covers: [], input: 0, weight: "w", epilogue: [] },
  ...{ out, kernel: [3, 3], stride: [1, 1], padding: [1, 1], groups, padValue: 0 },
});

describe("the kernel of a binary convolution", () => {
  it.each([
    ["lookups, where their tiles are filled", conv(256), "lookup"],
    ["popcounts for 8 outputs", conv(8), "popcount"],
    ["32 groups at a time, where each has one channel", conv(64, 64), "depthwise"],
    ["scalar ones for an output per group of more", conv(32, 32), "scalar"],
    ["scalar ones for 10 outputs, which would leave 6 of 16 empty", conv(10), "scalar"],
  ] as const)("is at first: %s", (_, step, kernel) => {
    expect(estimatedKernel(step, [14, 14, 64])).toBe(kernel);
    expect(chooseKernel(step, [14, 14, 64], {})).toBe(kernel);
  });

  it("is what was measured for the shape, and nothing but the one that is wanted", () => {
    const input = [14, 14, 64] as const;
    const measured = new Map([[classKey(conv(256), input), "popcount"]] as const);
    expect(chooseKernel(conv(256), input, { measured })).toBe("popcount");
    expect(chooseKernel(conv(256), [7, 7, 64], { measured })).toBe("lookup");
    expect(chooseKernel(conv(256), input, { measured, kernel: "scalar" })).toBe("scalar");
  });

  it("is never lookups where sums of them do not fit 16 bits", () => {
    const input = [3, 3, 4000] as const;
    expect(kernelsFor(conv(256), input)).toEqual(["scalar", "popcount"]);
    expect(chooseKernel(conv(256), input, { kernel: "lookup" })).toBe("popcount");
    expect(estimatedKernel(conv(256), input)).toBe("popcount");
  });

  it("is that of depthwise convolutions for no others, and for kernels that its planes can count", () => {
    const input = [14, 14, 64] as const;
    expect(kernelsFor(conv(64, 64), input)).toContain("depthwise");
    for (const step of [conv(128, 64), conv(64, 32), conv(64)])
      expect(kernelsFor(step, input)).not.toContain("depthwise");
    expect(kernelsFor({ ...conv(64, 64), kernel: [5, 6] }, input)).toContain("depthwise");
    expect(kernelsFor({ ...conv(64, 64), kernel: [4, 8] }, input)).not.toContain("depthwise");
  });
});
