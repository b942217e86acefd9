import { type LossKind, teacherCount, teacherValue } from "./loss.js";
import { meanOf, probabilities, scaled, softCrossEntropy, sumOf } from "./soft-cross-entropy.js";

/**
 * Distillation at a temperature τ, the mean over all teachers:
 *
 *   L = τ² mean_n -sum_c softmax(teacher[n] / τ)[c] log softmax(logits[n] / τ)[c]
 *
 * τ² keeps the gradient's size. Labels are mixed in as another term:
 * "0.9*distillation(temperature=4) + 0.1*cross-entropy".
 */
export const distillation: LossKind<{ temperature: number }> = {
  name: "distillation",
  description: "cross-entropy with the softened probabilities of the teachers, all alike",
  source: "Hinton et al., arXiv 1503.02531, section 2",
  defaults: { temperature: 4 },
  ranges: { temperature: [1e-3, 1e3] },
  make:
    ({ temperature }) =>
    (b, outputs, inputs) => {
      const count = Math.max(1, teacherCount(inputs));
      const logits = scaled(b, outputs.get("logits"), 1 / temperature);
      const terms = Array.from({ length: count }, (_, t) => {
        const target = probabilities(b, inputs.get(teacherValue(t)), temperature);
        return meanOf(b, softCrossEntropy(b, logits, target));
      });
      return scaled(b, sumOf(b, terms), temperature ** 2 / count);
    },
};
