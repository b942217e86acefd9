import { adamDefaults } from "../optimisers/index.js";
import type { Recipe } from "./recipe.js";
import { cosine, usual } from "./shared/usual.js";

/** MeliusNet-22 as published, as far as it is: of batch and pictures nothing was found, they are ReActNet's. */
export const meliusnet: Recipe = {
  name: "meliusnet",
  description: "MeliusNet-22 on ImageNet from the labels, 120 epochs of RAdam",
  source:
    "MeliusNet (arXiv 2001.05936) and hpi-xnor/BMXNet-v2-wiki; batch and augmentation: onebit",
  model: "meliusnet-22",
  ...usual,
  side: 224,
  evaluation: { crop: 0.875, interpolation: "bilinear" },
  epochs: 120,
  batch: 256,
  microBatch: 64,
  optimiser: { ...adamDefaults, kind: "radam" },
  schedule: { ...cosine, learningRate: 2e-3 },
  augment: { resizedCrop: { scale: [0.08, 1] }, flip: true },
};
