import { adamDefaults } from "../optimisers/index.js";
import { bnextGroups } from "./groups.js";
import type { Recipe } from "./recipe.js";

/**
 * What `npm start` trains: a small BNext on generated characters, in about a minute. So short a
 * training has no time for soft weights: they are binary from the first step.
 */
export const quickstart: Recipe = {
  name: "quickstart",
  description: "a small BNext on glyphs, in about a minute",
  source: "onebit; optimiser, groups and clipping of BNext (arXiv 2211.12933)",
  model: "bnext",
  switches: { widths: [32, 32, 64, 64, 128], stemStride: 2 },
  side: null,
  form: "binary",
  epochs: 4,
  batch: 32,
  microBatch: 16,
  optimiser: { ...adamDefaults, kind: "adamw", weightDecay: 1e-3, groups: bnextGroups },
  clip: 5,
  averageDecay: null,
  schedule: {
    kind: "cosine",
    learningRate: 3e-3,
    finalLearningRate: 0,
    warmupEpochs: 0.3,
    warmupLearningRate: 1e-4,
    per: "step",
    milestones: [],
    factor: 1,
  },
  temperature: { kind: "fraction", binaryAt: 0, decay: 0.9 },
  loss: "cross-entropy",
  augment: {},
  fit: { batch: true, leastSteps: null },
  keep: "best",
  stages: [],
};
