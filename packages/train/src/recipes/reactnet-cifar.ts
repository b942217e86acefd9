import type { Recipe } from "./recipe.js";
import { reactnetPaper, reactnetSchedule, reactnetSteps } from "./shared/reactnet.js";

/**
 * ReActNet's two steps on 32x32 colour images. The authors have no such training: the method is theirs, the
 * rate theirs in proportion to the batch (1.25e-3 at 256), batch and augmentation those of BNext on CIFAR.
 */
export const reactnetCifar: Recipe = {
  name: "reactnet-cifar",
  description: "ReActNet on ResNet-18 on CIFAR, from a ResNet-56, in two steps of 128 epochs",
  source: `onebit; method and optimiser of ${reactnetPaper}`,
  model: "reactnet-18",
  ...reactnetSteps,
  switches: { stem: "small" },
  batch: 128,
  microBatch: 64,
  schedule: reactnetSchedule(6.25e-4),
  teaching: { who: "all", assistants: [], teachers: ["ResNet-56"] },
  augment: { pad: 4, flip: true },
};
