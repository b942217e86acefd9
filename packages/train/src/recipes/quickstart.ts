import type { Recipe } from "./recipe.js";
import { bnextUpdates } from "./shared/bnext.js";
import { cosine } from "./shared/usual.js";

/**
 * What `npm start` trains: a small BNext on generated characters, in about a minute. So short a
 * training has no time for soft weights: they are binary from the first step.
 */
export const quickstart: Recipe = {
  name: "quickstart",
  description: "a small BNext on glyphs, in about a minute",
  source: "onebit; optimiser, groups and clipping of BNext (arXiv 2211.12933)",
  model: "bnext",
  ...bnextUpdates,
  switches: { widths: [32, 32, 64, 64, 128], stemStride: 2 },
  epochs: 4,
  batch: 32,
  microBatch: 16,
  schedule: { ...cosine, learningRate: 3e-3, warmupEpochs: 0.3, warmupLearningRate: 1e-4 },
  temperature: { kind: "fraction", binaryAt: 0, decay: 0.9 },
};
