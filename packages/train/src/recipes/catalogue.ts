import { bnext18 } from "./bnext-18.js";
import { bnextCifar } from "./bnext-cifar.js";
import { bnextL } from "./bnext-l.js";
import { bnextM } from "./bnext-m.js";
import { bnextS } from "./bnext-s.js";
import { bnextT } from "./bnext-t.js";
import { cifarDistilled } from "./cifar-distilled.js";
import { fashionMnist } from "./fashion-mnist.js";
import { fashionMnistDistilled } from "./fashion-mnist-distilled.js";
import { glyphsDistilled } from "./glyphs-distilled.js";
import { meliusnet } from "./meliusnet.js";
import { photographs } from "./photographs.js";
import { plain } from "./plain.js";
import { quickstart } from "./quickstart.js";
import { reactnet } from "./reactnet.js";
import { reactnetCifar } from "./reactnet-cifar.js";
import { reactnetResnet } from "./reactnet-resnet.js";
import { realToBinary } from "./real-to-binary.js";
import type { Recipe } from "./recipe.js";

const list: readonly Recipe[] = [
  quickstart,
  photographs,
  fashionMnist,
  glyphsDistilled,
  fashionMnistDistilled,
  cifarDistilled,
  bnextCifar,
  reactnetCifar,
  bnextT,
  bnextS,
  bnextM,
  bnextL,
  bnext18,
  reactnet,
  reactnetResnet,
  realToBinary,
  meliusnet,
  plain,
];

/** Every recipe by name. */
export const recipes: { readonly [name: string]: Recipe } = Object.fromEntries(
  list.map((recipe) => [recipe.name, recipe]),
);
