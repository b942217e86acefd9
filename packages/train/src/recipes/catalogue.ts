import { bnextCifar } from "./bnext-cifar.js";
import { fashionMnist } from "./fashion-mnist.js";
import { photographs } from "./photographs.js";
import { plain } from "./plain.js";
import { quickstart } from "./quickstart.js";
import { reactnet } from "./reactnet.js";
import type { Recipe } from "./recipe.js";

/** Every recipe by name. */
export const recipes: { readonly [name: string]: Recipe } = Object.fromEntries(
  [quickstart, photographs, fashionMnist, bnextCifar, reactnet, plain].map((recipe) => [
    recipe.name,
    recipe,
  ]),
);
