import type { Recipe } from "./recipe.js";
import { bnextUpdates } from "./shared/bnext.js";
import { cosine } from "./shared/usual.js";

/**
 * Folders of photographs, of which there may be few: a small BNext that sees them in ever new crops,
 * mirrored and in other light, for as many epochs as make a few hundred steps. So short a training has
 * no time for soft weights. The last weights are kept: the best on a handful of test images would only
 * be the luckiest.
 */
export const photographs: Recipe = {
  name: "photographs",
  description: "a small BNext on a folder of photographs, 60 of them in minutes",
  source: "onebit; optimiser, groups and clipping of BNext (arXiv 2211.12933)",
  model: "bnext",
  ...bnextUpdates,
  switches: { widths: [32, 32, 64, 64, 128], stemStride: 2 },
  side: 64,
  epochs: 20,
  batch: 16,
  microBatch: null,
  schedule: { ...cosine, learningRate: 3e-3, warmupEpochs: 0.5, warmupLearningRate: 1e-4 },
  temperature: { kind: "fraction", binaryAt: 0, decay: 0.9 },
  augment: { resizedCrop: { scale: [0.35, 1] }, flip: true, colour: 0.3 },
  fit: { batch: true, leastSteps: 400 },
  keep: "last",
};
