import type { GroupStep } from "./groups.js";

export interface SgdStep extends GroupStep {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/**
 * Stochastic gradient descent with momentum μ, in PyTorch's form (dampening 0):
 *
 *   g = scale · gradient + λw
 *   b ← g at the first step, then μb + g
 *   w ← w - η (g + μb with Nesterov, else b)
 *
 * buffer: undefined where μ = 0.
 */
export function sgd(
  weights: Float32Array,
  gradients: Float32Array,
  buffer: Float32Array | undefined,
  settings: SgdStep,
): void {
  const { start, end, learningRate, weightDecay, momentum, nesterov, gradientScale } = settings;
  const keep = settings.step === 1 ? 0 : momentum;
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
}
