import type { Optimiser } from "./optimiser.js";

/**
 * The binary optimiser: no latent weights, a weight only has a sign, which turns where the gradient has
 * pointed against it for long enough.
 *
 *   m ← (1 - γ) m + γ g
 *   w ← -w  where |m| > τ and sign(m) = sign(w)
 *
 * For binary weights alone: others want an optimiser of their own (a group with `kind`). The learning
 * rate and the weight decay have no meaning here; what a network does to latent weights (scales from
 * their magnitudes, clamping) is the same, and a weight of exactly 0 stays.
 */
export const bop: Optimiser = {
  name: "bop",
  description: "turns the signs of binary weights, without latent weights",
  source: "Helwegen et al., arXiv 1906.02107, algorithm 1",
  constants: ["adaptivity", "threshold"],
  role: "binary",
  moments: () => ["exp_avg"],
  step({ weights, gradients, moments }, group, { adaptivity, threshold }) {
    const { exp_avg: mean } = moments;
    const { start, end, gradientScale } = group;
    for (let i = start; i < end; i++) {
      const m = mean[i] + adaptivity * (gradients[i] * gradientScale - mean[i]);
      mean[i] = m;
      if (Math.abs(m) > threshold && m * weights[i] > 0) weights[i] = -weights[i];
    }
  },
};
