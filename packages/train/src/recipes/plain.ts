import { adamDefaults } from "../optimisers/index.js";
import type { Recipe } from "./recipe.js";

/** Nothing special: a starting point for networks of one's own, float ones too. */
export const plain: Recipe = {
  name: "plain",
  description: "AdamW with a cosine schedule, no augmentation; for any network",
  source: "PyTorch's defaults for AdamW",
  model: "bnext-nano",
  switches: {},
  side: null,
  form: "binary",
  epochs: 20,
  batch: 64,
  microBatch: 32,
  optimiser: { ...adamDefaults, kind: "adamw", weightDecay: 1e-2 },
  clip: null,
  averageDecay: null,
  schedule: {
    kind: "cosine",
    learningRate: 1e-3,
    finalLearningRate: 0,
    warmupEpochs: 0,
    warmupLearningRate: 0,
    per: "step",
    milestones: [0.5, 0.75],
    factor: 0.1,
  },
  temperature: { kind: "fraction", binaryAt: 0.3, decay: 0.9 },
  loss: "cross-entropy",
  augment: {},
  fit: { batch: true, leastSteps: null },
  keep: "best",
  stages: [],
};
