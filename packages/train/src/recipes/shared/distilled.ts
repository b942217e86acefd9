import type { Recipe } from "../recipe.js";

/** Of small networks that learn mostly from one teacher; labels keep it from repeating all of its errors. */
export const onebitDistilled = {
  source: "onebit; optimiser, groups and clipping of BNext (arXiv 2211.12933), loss of 1503.02531",
  loss: "0.9*distillation(temperature=4) + 0.1*cross-entropy",
} satisfies Partial<Recipe>;
