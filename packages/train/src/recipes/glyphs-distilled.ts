import { quickstart } from "./quickstart.js";
import type { Recipe } from "./recipe.js";
import { onebitDistilled } from "./shared/distilled.js";

/** The network of quickstart, for as long, from a teacher: see docs/training.md for one in minutes. */
export const glyphsDistilled: Recipe = {
  ...quickstart,
  ...onebitDistilled,
  name: "glyphs-distilled",
  description: "the network of quickstart, from a teacher; minutes on two cores",
};
