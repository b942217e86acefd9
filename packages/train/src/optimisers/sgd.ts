import type { Optimiser } from "./optimiser.js";

/**
 * Stochastic gradient descent with momentum μ, in PyTorch's form (dampening 0):
 *
 *   g = scale · gradient + λw
 *   b ← g at the first step, then μb + g
 *   w ← w - η (g + μb with Nesterov, else b)
 */
export const sgd: Optimiser = {
  name: "sgd",
  description: "stochastic gradient descent with momentum, Nesterov's where asked for",
  source: "PyTorch's SGD; Sutskever et al. 2013",
  constants: ["momentum", "weightDecay"],
  moments: ({ momentum }) => (momentum > 0 ? ["momentum_buffer"] : []),
  step({ weights, gradients, moments }, group, { momentum, nesterov }) {
    const { momentum_buffer: buffer } = moments as { momentum_buffer?: Float32Array };
    const { start, end, learningRate, weightDecay, gradientScale } = group;
    const keep = group.step === 1 ? 0 : momentum;
    for (let i = start; i < end; i++) {
      const w = weights[i];
      const g = gradients[i] * gradientScale + weightDecay * w;
      let direction = g;
      if (buffer) {
        const b = keep * buffer[i] + g;
        buffer[i] = b;
        direction = nesterov ? g + momentum * b : b;
      }
      weights[i] = w - learningRate * direction;
    }
  },
};
