import { fashionMnist } from "./fashion-mnist.js";
import type { Recipe } from "./recipe.js";
import { onebitDistilled } from "./shared/distilled.js";

/** The network of fashion-mnist, for as long, from a teacher. */
export const fashionMnistDistilled: Recipe = {
  ...fashionMnist,
  ...onebitDistilled,
  name: "fashion-mnist-distilled",
  description: "bnext-nano on Fashion-MNIST, from a teacher",
};
