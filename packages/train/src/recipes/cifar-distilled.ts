import type { Recipe } from "./recipe.js";
import { bnextUpdates } from "./shared/bnext.js";
import { onebitDistilled } from "./shared/distilled.js";
import { cosine } from "./shared/usual.js";

/** A small BNext on 32x32 colour images, from a ResNet. */
export const cifarDistilled: Recipe = {
  ...bnextUpdates,
  ...onebitDistilled,
  name: "cifar-distilled",
  description: "bnext-nano on CIFAR, from a ResNet-56",
  model: "bnext-nano",
  epochs: 30,
  batch: 64,
  microBatch: 32,
  schedule: { ...cosine, learningRate: 2e-3, warmupEpochs: 0.5, warmupLearningRate: 1e-4 },
  temperature: { kind: "fraction", binaryAt: 0.15, decay: 0.9 },
  teaching: { who: "all", assistants: [], teachers: ["ResNet-56"] },
  augment: { pad: 4, flip: true },
};
