import { adamDefaults } from "../../optimisers/index.js";
import type { Recipe } from "../recipe.js";
import { bnextGroups } from "./groups.js";
import { cosine, usual } from "./usual.js";

export const bnextPaper = "BNext (arXiv 2211.12933) and its src/train_assistant_group_amp.py";

/** How every BNext is optimised: AdamW in two groups, clipped at a global norm of 5. */
export const bnextUpdates = {
  ...usual,
  optimiser: { ...adamDefaults, kind: "adamw", weightDecay: 1e-3, groups: bnextGroups },
  clip: 5,
} satisfies Partial<Recipe>;

/** Set once per epoch: from 1e-5 to 1e-3 in five epochs, then the cosine of timm. */
export const bnextSchedule = {
  ...cosine,
  finalLearningRate: 1e-7,
  warmupEpochs: 5,
  warmupLearningRate: 1e-5,
  per: "epoch",
} satisfies Recipe["schedule"];

/**
 * What the published trainings on ImageNet have in common. The script divides the batch of 512 by its
 * GPUs, each of which normalises its own part: 64 on eight of them. Its script for L says 128 where the
 * article says 512; this is the article's.
 *
 * Colour jitter, mixup, cutmix, erasing, averaged weights and smoothed labels are off, as published.
 */
export const bnextImagenet = {
  ...bnextUpdates,
  side: 224,
  evaluation: { crop: 0.95, interpolation: "bicubic" },
  epochs: 512,
  batch: 512,
  microBatch: 64,
  schedule: bnextSchedule,
  temperature: { kind: "paper", binaryAt: 0.3, decay: 0.9 },
  loss: "gap-aware",
  augment: {
    resizedCrop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: "bicubic" },
    flip: true,
    randAugment: { policy: "rand-m7-mstd0.5-inc1", interpolation: "bicubic" },
  },
} satisfies Partial<Recipe>;
