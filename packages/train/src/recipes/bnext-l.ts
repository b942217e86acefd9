import type { Recipe } from "./recipe.js";
import { bnextImagenet, bnextPaper } from "./shared/bnext.js";

/**
 * BNext large as published: three assistants, each for a third of the epochs; in the last ConvNeXt-T
 * teaches twice.
 */
export const bnextL: Recipe = {
  name: "bnext-l",
  description: "BNext-L on ImageNet from EfficientNet-B0, B4 and ConvNeXt-T, 512 epochs",
  source: bnextPaper,
  model: "bnext-l",
  ...bnextImagenet,
  teaching: {
    who: "all",
    assistants: ["EfficientNet-B0", "EfficientNet-B4", "ConvNeXt-T"],
    teachers: ["ConvNeXt-T"],
  },
};
