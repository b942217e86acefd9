import type { Optimiser } from "./optimiser.js";

/**
 * Rectified Adam, in PyTorch's form (the decay is added to the gradient):
 *
 *   ρ∞ = 2 / (1 - β2) - 1        ρ = ρ∞ - 2 t β2^t / (1 - β2^t)
 *   m, v as Adam's               m̂ = m / (1 - β1^t)
 *   ρ > 5:  w ← w - η m̂ · r · sqrt(1 - β2^t) / (sqrt(v) + ε)
 *           r = sqrt((ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ))
 *   else    w ← w - η m̂
 *
 * While few squares have been seen their mean says little, and the step does without it.
 */
export const radam: Optimiser = {
  name: "radam",
  description: "Adam that needs no warm-up: its first steps do without the mean square",
  source: "Liu et al., arXiv 1908.03265, algorithm 2",
  constants: ["beta1", "beta2", "epsilon", "weightDecay"],
  moments: () => ["exp_avg", "exp_avg_sq"],
  step({ weights, gradients, moments }, group, { beta1, beta2, epsilon }) {
    const { exp_avg: mean, exp_avg_sq: square } = moments;
    const { start, end, learningRate, weightDecay, step, gradientScale } = group;
    const stepSize = learningRate / (1 - beta1 ** step);
    const rectifier = rectification(beta2, step);
    for (let i = start; i < end; i++) {
      const w = weights[i];
      const g = gradients[i] * gradientScale + weightDecay * w;
      const m = beta1 * mean[i] + (1 - beta1) * g;
      const v = beta2 * square[i] + (1 - beta2) * g * g;
      mean[i] = m;
      square[i] = v;
      const adapted = rectifier === null ? 1 : rectifier / (Math.sqrt(v) + epsilon);
      weights[i] = w - stepSize * m * adapted;
    }
  },
};

/** r · sqrt(1 - β2^t); null where the variance of the step cannot be told yet. */
function rectification(beta2: number, step: number): number | null {
  const kept = beta2 ** step;
  const most = 2 / (1 - beta2) - 1;
  const length = most - (2 * step * kept) / (1 - kept);
  if (length <= 5) return null;
  const variance = ((length - 4) * (length - 2) * most) / ((most - 4) * (most - 2) * length);
  return Math.sqrt(variance * (1 - kept));
}
