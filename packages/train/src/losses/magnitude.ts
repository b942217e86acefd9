import { latentWeights } from "./latent-weights.js";
import type { LossKind } from "./loss.js";
import { meanOf, scaled, sumOf } from "./soft-cross-entropy.js";

/**
 * Pulls latent weights to -1 and +1, so that fewer signs hang in the balance:
 *
 *   L = mean over layers of mean_i | |w_i| - 1 |
 */
export const magnitude: LossKind<Record<never, never>> = {
  name: "magnitude",
  description: "penalty on latent weights that are neither -1 nor +1",
  source: "Darabi et al., BNN+, arXiv 1812.11800: its first regulariser, for a scale of 1",
  defaults: {},
  make: () => (b) => {
    const terms = latentWeights(b, "magnitude").map((w) => {
      const gap = b.op("sub", [b.op("abs", [w]), b.constant(1)]);
      return meanOf(b, b.op("abs", [gap]));
    });
    return scaled(b, sumOf(b, terms), 1 / terms.length);
  },
};
