import type { Recipe } from "./recipe.js";
import { bnextImagenet, bnextPaper } from "./shared/bnext.js";

/**
 * BNext-18 with the values of the other BNexts. Which teachers it had is not published: these are those of
 * T and S.
 */
export const bnext18: Recipe = {
  name: "bnext-18",
  description: "BNext-18 on ImageNet from EfficientNet-B0 and B2, 512 epochs",
  source: bnextPaper,
  model: "bnext-18",
  ...bnextImagenet,
  teaching: { who: "all", assistants: ["EfficientNet-B0"], teachers: ["EfficientNet-B2"] },
};
