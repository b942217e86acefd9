import type { Recipe } from "./recipe.js";
import { bnextPaper, bnextSchedule, bnextUpdates } from "./shared/bnext.js";

/**
 * BNext on 32x32 colour images. Optimiser, groups, clipping and schedule are those of the published
 * ImageNet training; batch and epochs those of the journal's version, augmentation and loss those of the
 * code for CIFAR, which has no teacher. The temperature reaches the binary point at the same fraction of
 * the training as published: epoch 153 of 512.
 *
 * With --assistant, --teacher and --set loss=gap-aware it is distilled as the networks for ImageNet are.
 */
export const bnextCifar: Recipe = {
  name: "bnext-cifar",
  description: "BNext-18 on CIFAR from the labels, 256 epochs",
  source: `${bnextPaper}, and the TMLR version for CIFAR`,
  model: "bnext-18",
  ...bnextUpdates,
  epochs: 256,
  batch: 128,
  microBatch: 64,
  schedule: bnextSchedule,
  augment: { pad: 4, flip: true },
};
