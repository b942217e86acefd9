import type { Recipe } from "./recipe.js";
import { bnextImagenet, bnextPaper } from "./shared/bnext.js";

/** BNext tiny as published. */
export const bnextT: Recipe = {
  name: "bnext-t",
  description: "BNext-T on ImageNet from EfficientNet-B0 and B2, 512 epochs",
  source: bnextPaper,
  model: "bnext-t",
  ...bnextImagenet,
  teaching: { who: "all", assistants: ["EfficientNet-B0"], teachers: ["EfficientNet-B2"] },
};
