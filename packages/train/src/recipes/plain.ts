import { adamDefaults } from "../optimisers/index.js";
import type { Recipe } from "./recipe.js";
import { cosine, usual } from "./shared/usual.js";

/** Nothing special: a starting point for networks of one's own, float ones too. */
export const plain: Recipe = {
  name: "plain",
  description: "AdamW with a cosine schedule, no augmentation; for any network",
  source: "PyTorch's defaults for AdamW",
  model: "bnext-nano",
  ...usual,
  epochs: 20,
  batch: 64,
  microBatch: 32,
  optimiser: { ...adamDefaults, kind: "adamw", weightDecay: 1e-2 },
  schedule: { ...cosine, milestones: [0.5, 0.75], factor: 0.1 },
};
