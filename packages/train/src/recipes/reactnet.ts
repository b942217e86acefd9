import type { Recipe } from "./recipe.js";
import { reactnetImagenet, reactnetPaper, reactnetSchedule } from "./shared/reactnet.js";

/**
 * ReActNet-A on ImageNet, by the run.sh that the code has now. Its first version, and about the article:
 * 256 epochs at 5e-4.
 */
export const reactnet: Recipe = {
  name: "reactnet",
  description: "ReActNet-A on ImageNet from a ResNet-34, in two steps of 128 epochs",
  source: `${reactnetPaper}, mobilenet`,
  model: "reactnet-a",
  ...reactnetImagenet,
  batch: 256,
  microBatch: 64,
  schedule: reactnetSchedule(1.25e-3),
};
