import type { Recipe } from "./recipe.js";
import { bnextUpdates } from "./shared/bnext.js";
import { cosine } from "./shared/usual.js";

/** A small BNext on 28x28 grey images, in about 45 minutes on two cores. */
export const fashionMnist: Recipe = {
  name: "fashion-mnist",
  description: "bnext-nano on Fashion-MNIST, about 45 minutes on two cores",
  source: "onebit; optimiser, groups and clipping of BNext (arXiv 2211.12933)",
  model: "bnext-nano",
  ...bnextUpdates,
  epochs: 20,
  batch: 64,
  microBatch: 32,
  schedule: { ...cosine, learningRate: 2e-3, warmupEpochs: 0.5, warmupLearningRate: 1e-4 },
  temperature: { kind: "fraction", binaryAt: 0.15, decay: 0.9 },
  augment: { flip: true },
};
