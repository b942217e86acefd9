import { adamDefaults } from "../optimisers/index.js";
import type { Recipe } from "./recipe.js";
import { cosine, usual } from "./shared/usual.js";

/** Rates are multiplied by 0.3 after 40, 60 and 70 of 75 epochs. */
const steps = {
  ...cosine,
  kind: "step",
  warmupEpochs: 5,
  milestones: [40 / 75, 60 / 75, 70 / 75],
  factor: 0.3,
} satisfies Recipe["schedule"];

/** Labels, where the teacher looks in each stage of the network, and its probabilities. */
const watched = ["stage-4", "stage-8", "stage-16", "stage-32"]
  .map((map) => `30*attention(student=${map}, output=${map})`)
  .join(" + ");

/**
 * Real-to-Binary's sequence: tanh for the signs, then signs with real weights, then 1-bit weights. There each network
 * teaches the next; here the teacher of the first, a float ResNet-18, teaches all three. Attention is matched at the end
 * of each stage, there behind each of eight pairs of convolutions.
 */
export const realToBinary: Recipe = {
  name: "real-to-binary",
  description: "Real-to-Binary on ImageNet from a ResNet-18, in three steps of 75 epochs",
  source:
    "Real-to-Binary (arXiv 2003.11535) as in larq/zoo at 511ce59, multi_stage_experiments.py; augmentation: ReActNet's",
  model: "real-to-binary",
  ...usual,
  side: 224,
  evaluation: { crop: 0.875, interpolation: "bilinear" },
  epochs: 75,
  batch: 256,
  microBatch: 64,
  optimiser: { ...adamDefaults, kind: "adam" },
  schedule: { ...steps, learningRate: 2e-4 },
  loss: "cross-entropy + 0.8*distillation(temperature=1)",
  teaching: { who: "all", assistants: [], teachers: ["ResNet-18"] },
  augment: { resizedCrop: { scale: [0.08, 1] }, flip: true },
  stages: (["real", "step1"] as const).map((form) => ({
    name: form,
    overrides: {
      form,
      schedule: { learningRate: 1e-3 },
      loss: `cross-entropy + ${watched} + 3*distillation(temperature=1)`,
    },
  })),
};
