import type { GroupStep } from "./groups.js";

export interface AdamStep extends GroupStep {
  /** true: AdamW, the weights decay directly; false: the decay is added to the gradient. */
  readonly decoupled: boolean;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * Adam (arXiv 1412.6980) and AdamW (arXiv 1711.05101), in PyTorch's form:
 *
 *   g = scale · gradient (+ λw, Adam)        w ← w (1 - ηλ) (AdamW)
 *   m ← β1 m + (1 - β1) g                    v ← β2 v + (1 - β2) g²
 *   w ← w - η / (1 - β1^t) · m / (sqrt(v / (1 - β2^t)) + ε)
 */
export function adam(
  weights: Float32Array,
  gradients: Float32Array,
  mean: Float32Array,
  square: Float32Array,
  settings: AdamStep,
): void {
  const { start, end, learningRate, weightDecay, step, gradientScale } = settings;
  const { decoupled, beta1, beta2, epsilon } = settings;
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
}
