import type { Recipe } from "./recipe.js";
import { bnextImagenet, bnextPaper } from "./shared/bnext.js";

/** BNext middle as published: two assistants, each for half of the epochs. */
export const bnextM: Recipe = {
  name: "bnext-m",
  description: "BNext-M on ImageNet from EfficientNet-B0, B2 and B4, 512 epochs",
  source: bnextPaper,
  model: "bnext-m",
  ...bnextImagenet,
  teaching: {
    who: "all",
    assistants: ["EfficientNet-B0", "EfficientNet-B2"],
    teachers: ["EfficientNet-B4"],
  },
};
