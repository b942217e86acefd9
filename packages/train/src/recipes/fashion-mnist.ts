import { adamDefaults } from "../optimisers/index.js";
import { bnextGroups } from "./groups.js";
import type { Recipe } from "./recipe.js";

/** A small BNext on 28x28 grey images, in about 45 minutes on two cores. */
export const fashionMnist: Recipe = {
  name: "fashion-mnist",
  description: "bnext-nano on Fashion-MNIST, about 45 minutes on two cores",
  source: "onebit; optimiser, groups and clipping of BNext (arXiv 2211.12933)",
  model: "bnext-nano",
  switches: {},
  side: null,
  form: "binary",
  epochs: 20,
  batch: 64,
  microBatch: 32,
  optimiser: { ...adamDefaults, kind: "adamw", weightDecay: 1e-3, groups: bnextGroups },
  clip: 5,
  averageDecay: null,
  schedule: {
    kind: "cosine",
    learningRate: 2e-3,
    finalLearningRate: 0,
    warmupEpochs: 0.5,
    warmupLearningRate: 1e-4,
    per: "step",
    milestones: [],
    factor: 1,
  },
  temperature: { kind: "fraction", binaryAt: 0.15, decay: 0.9 },
  loss: "cross-entropy",
  augment: { flip: true },
  fit: { batch: true, leastSteps: null },
  keep: "best",
  stages: [],
};
