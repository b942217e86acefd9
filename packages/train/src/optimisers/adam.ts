import type { Optimiser } from "./optimiser.js";

const shared = {
  constants: ["beta1", "beta2", "epsilon", "weightDecay"],
  moments: () => ["exp_avg", "exp_avg_sq"],
} as const;

/**
 * Adam and AdamW in PyTorch's form:
 *
 *   g = scale · gradient (+ λw, Adam)        w ← w (1 - ηλ) (AdamW)
 *   m ← β1 m + (1 - β1) g                    v ← β2 v + (1 - β2) g²
 *   w ← w - η / (1 - β1^t) · m / (sqrt(v / (1 - β2^t)) + ε)
 */
function adamStep(decoupled: boolean): Optimiser["step"] {
  return ({ weights, gradients, moments }, group, { beta1, beta2, epsilon }) => {
    const { exp_avg: mean, exp_avg_sq: square } = moments;
    const { start, end, learningRate, weightDecay, step, gradientScale } = group;
    const stepSize = learningRate / (1 - beta1 ** step);
    const squareScale = 1 / Math.sqrt(1 - beta2 ** step);
    const keep = decoupled ? 1 - learningRate * weightDecay : 1;
    const penalty = decoupled ? 0 : weightDecay;
    const rate1 = 1 - beta1;
    const rate2 = 1 - beta2;
    for (let i = start; i < end; i++) {
      const w = weights[i];
      const g = gradients[i] * gradientScale + penalty * w;
      const m = beta1 * mean[i] + rate1 * g;
      const v = beta2 * square[i] + rate2 * g * g;
      mean[i] = m;
      square[i] = v;
      weights[i] = w * keep - (stepSize * m) / (Math.sqrt(v) * squareScale + epsilon);
    }
  };
}

export const adam: Optimiser = {
  name: "adam",
  description: "the decay is added to the gradient; ReActNet's",
  source: "Kingma and Ba, arXiv 1412.6980",
  ...shared,
  step: adamStep(false),
};

export const adamw: Optimiser = {
  name: "adamw",
  description: "Adam whose decay acts on the weights directly; BNext's",
  source: "Loshchilov and Hutter, arXiv 1711.05101",
  ...shared,
  step: adamStep(true),
};
