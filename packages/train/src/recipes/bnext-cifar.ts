import { adamDefaults } from "../optimisers/index.js";
import { bnextGroups } from "./groups.js";
import type { Recipe } from "./recipe.js";

/**
 * BNext on 32x32 colour images. Optimiser, groups, clipping and schedule are those of the published
 * ImageNet training; batch, epochs and augmentation those reported for CIFAR. The temperature
 * reaches the binary point at the same fraction of the training as published: epoch 153 of 512.
 */
export const bnextCifar: Recipe = {
  name: "bnext-cifar",
  description: "BNext-18 on CIFAR: AdamW, clipping, cosine schedule, 256 epochs",
  source: "BNext (arXiv 2211.12933), its code, and the TMLR version for CIFAR",
  model: "bnext-18",
  switches: {},
  side: null,
  form: "binary",
  epochs: 256,
  batch: 128,
  microBatch: 64,
  optimiser: { ...adamDefaults, kind: "adamw", weightDecay: 1e-3, groups: bnextGroups },
  clip: 5,
  averageDecay: null,
  schedule: {
    kind: "cosine",
    learningRate: 1e-3,
    finalLearningRate: 1e-7,
    warmupEpochs: 5,
    warmupLearningRate: 1e-5,
    per: "epoch",
    milestones: [],
    factor: 1,
  },
  temperature: { kind: "fraction", binaryAt: 0.3, decay: 0.9 },
  loss: "cross-entropy",
  augment: { pad: 4, flip: true },
  fit: { batch: true, leastSteps: null },
  keep: "best",
  stages: [],
};
