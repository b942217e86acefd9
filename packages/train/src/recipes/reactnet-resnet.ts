import type { Recipe } from "./recipe.js";
import { reactnetImagenet, reactnetPaper, reactnetSchedule } from "./shared/reactnet.js";

/** ReActNet on ResNet-18, by the run.sh that the code has now. Its first version: 256 epochs at 1e-3. */
export const reactnetResnet: Recipe = {
  name: "reactnet-resnet",
  description: "ReActNet on ResNet-18, on ImageNet from a ResNet-34, in two steps of 128 epochs",
  source: `${reactnetPaper}, resnet`,
  model: "reactnet-18",
  ...reactnetImagenet,
  batch: 512,
  microBatch: 64,
  schedule: reactnetSchedule(2.5e-3),
};
