import type { Recipe } from "./recipe.js";
import { bnextImagenet, bnextPaper } from "./shared/bnext.js";

/** BNext small as published. */
export const bnextS: Recipe = {
  name: "bnext-s",
  description: "BNext-S on ImageNet from EfficientNet-B0 and B2, 512 epochs",
  source: bnextPaper,
  model: "bnext-s",
  ...bnextImagenet,
  teaching: { who: "all", assistants: ["EfficientNet-B0"], teachers: ["EfficientNet-B2"] },
};
