import { expect, it } from "vitest";
import { assumedInput } from "./assumed-input.js";

const resnet = { classes: 10, width: 4 };

it.each([
  ["bnext-18", { ...resnet, stem: "small" }, 32, 32],
  ["bnext-18", { ...resnet, stem: "imagenet" }, 32, 64],
  ["reactnet-18", { ...resnet, stem: "imagenet" }, 32, 64],
  ["reactnet", { classes: 10, widths: [4, 8, 16, 32, 64, 128] }, 32, 64],
  ["bnext", { classes: 10, widths: [4, 8] }, 32, 32],
] as const)(
  "%s %j: %i becomes %i, so that its last map is no single pixel",
  (arch, options, from, to) => {
    expect(assumedInput(arch, options, [3, from, from])).toEqual([3, to, to]);
  },
);
