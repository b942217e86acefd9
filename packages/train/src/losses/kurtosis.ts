import { latentWeights } from "./latent-weights.js";
import type { LossKind } from "./loss.js";
import { meanOf, scaled, sumOf } from "./soft-cross-entropy.js";

/**
 * Shapes the distribution of latent weights by its kurtosis; 1.8 is that of a uniform one:
 *
 *   L = mean over layers of (mean_i ((w_i - m) / s)^4 - target)²        m: mean, s: standard deviation
 */
export const kurtosis: LossKind<{ target: number }> = {
  name: "kurtosis",
  description: "penalty on latent weights whose kurtosis is not `target`",
  source: "Shkolnik et al., Robust Quantization, arXiv 2002.07686",
  defaults: { target: 1.8 },
  // No distribution has a kurtosis below 1.
  ranges: { target: [1, 1e3] },
  make:
    ({ target }) =>
    (b) => {
      const terms = latentWeights(b, "kurtosis").map((w) => {
        const centred = b.op("sub", [w, meanOf(b, w)]);
        const squares = b.op("mul", [centred, centred]);
        const variance = meanOf(b, squares);
        const fourth = meanOf(b, b.op("mul", [squares, squares]));
        const moment = b.op("div", [fourth, b.op("mul", [variance, variance])]);
        const gap = b.op("sub", [moment, b.constant(target)]);
        return b.op("mul", [gap, gap]);
      });
      return scaled(b, sumOf(b, terms), 1 / terms.length);
    },
};
