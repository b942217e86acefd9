import type { BatchAugmentation } from "./augmentation.js";
import { symmetricBeta } from "./beta.js";
import { number } from "./options.js";

/** Images blended with a partner's, labels alike: weight λ from Beta(alpha, alpha). */
export const mixup: BatchAugmentation<{ alpha: number; probability: number }> = {
  of: "batch",
  name: "mixup",
  description:
    "images and labels of a batch blended in pairs, by a share from Beta(alpha, alpha); probability: of batches",
  source: "arXiv 1710.09412; pairs and probabilities as timm's Mixup",
  options: { alpha: number(0.8, 0.001, 1000), probability: number(1, 0, 1) },
  bare: ["alpha"],
  draw({ alpha, probability }, random) {
    return random.chance(probability) ? { weight: symmetricBeta(alpha, random) } : undefined;
  },
};
