import { expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { buildModel } from "./build-model.js";
import type { ModelOptions } from "./options.js";

/** What a family cannot have is told before anything is built. */
const wrong: readonly [model: string, options: Partial<ModelOptions>, told: string][] = [
  ["bireal-18", { depths: [2, 2] }, "depths [2,2] must be four"],
  ["bireal-50", { width: 2.5 }, "width 2.5 must be a positive whole number"],
  ["bireal-50", { width: 3 }, "width 3 must be at least 4"],
  ["bireal-18", { input: [3, 40, 40] }, "5x5 map cannot be halved"],
  ["bireal-18", { widths: [8, 16] }, 'bireal-18 has no switch "widths"'],
  ["xnor-alexnet", { widths: [8, 16] }, "must be seven positive whole numbers"],
  ["xnor-alexnet", { input: [3, 32, 32] }, "images of 32x32 are too small"],
  ["xnor-nin", { widths: [0, 1, 2, 3, 4, 5, 6, 7] }, "must be eight positive whole numbers"],
  ["quicknet", { widths: [6, 8, 8, 8] }, "the first a multiple of 4"],
  ["quicknet", { input: [3, 40, 40] }, "choose an input size that is a multiple of 32"],
  ["meliusnet-22", { width: 40 }, "width 40 must be a multiple of 16"],
  ["binary-densenet-28", { input: [3, 56, 56] }, "7x7 map cannot be halved"],
  ["binarynet-vgg", { widths: [1, 2] }, "must be eight positive whole numbers"],
  ["binarynet-vgg", { input: [3, 4, 32] }, "images of 4x32 are too small"],
  ["pokebnn-1.0x", { widthMultiplier: 1.4 }, "widthMultiplier 1.4 must be a multiple of 0.25"],
  ["pokebnn-1.0x", { widthMultiplier: 0 }, "widthMultiplier 0 must be a multiple of 0.25"],
  ["pokebnn-1.0x", { depths: [3, 4, 6] }, "depths [3,4,6] must be four"],
  ["pokebnn-1.0x", { input: [3, 2, 8] }, "images of 2x8 are too small"],
  ["pokebnn-1.0x", { width: 64 }, 'pokebnn-1.0x has no switch "width"'],
  ["bdnet-mobilenet", { widths: [8, 24] }, "a block keeps its width or doubles it"],
  ["bdnet-mobilenet", { input: [3, 20, 20] }, "5x5 map cannot be halved"],
  ["real-to-binary", { depths: [1] }, "must be four positive whole numbers"],
  ["reactnet-b", { widths: [6, 12, 24] }, "widens 6 channels, which 4 groups do not divide"],
  ["reactnet-a", { widening: "half" as never }, 'widening is "half", must be'],
  ["bireal-18", { widening: "real" }, 'bireal-18 has no switch "widening"'],
];

it.each(wrong)("%s with %o", (model, options, told) => {
  const build = () => buildModel(model, options);
  expect(build).toThrow(UsageError);
  expect(build).toThrow(told);
});
