import type { BatchAugmentation } from "./augmentation.js";
import { symmetricBeta } from "./beta.js";
import { number } from "./options.js";

/**
 * A box of each image is taken from its partner: sides √(1 - λ) of the image's, λ from Beta(alpha, alpha),
 * centre anywhere. The weight is the share of the area that is left, as the box may stick out.
 */
export const cutmix: BatchAugmentation<{ alpha: number; probability: number; switch: number }> = {
  of: "batch",
  name: "cutmix",
  description:
    "a box of each image taken from its partner in the batch, labels by area; switch: share of batches, where mixup is on too",
  source: "arXiv 1905.04899; boxes and probabilities as timm's Mixup",
  options: {
    alpha: number(1, 0.001, 1000),
    probability: number(1, 0, 1),
    switch: number(0.5, 0, 1),
  },
  bare: ["alpha"],
  draw({ alpha, probability }, random, [height, width]) {
    if (!random.chance(probability)) return undefined;
    const side = Math.sqrt(1 - symmetricBeta(alpha, random));
    const [top, bottom] = cut(height, side, random.integer(height));
    const [left, right] = cut(width, side, random.integer(width));
    const box = { left, top, width: right - left, height: bottom - top };
    return { weight: 1 - (box.width * box.height) / (width * height), box };
  },
};

/** The part of a line that the box covers. */
function cut(length: number, side: number, centre: number): [from: number, to: number] {
  const half = Math.floor(Math.trunc(length * side) / 2);
  return [Math.max(0, centre - half), Math.min(length, centre + half)];
}
