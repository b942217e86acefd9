import { type LossKind, TEACHER_NUMBER, teacherValue } from "./loss.js";
import { meanOf, probabilities, softCrossEntropy } from "./soft-cross-entropy.js";

/**
 * ReActNet's distribution loss: cross-entropy with a teacher's probabilities at temperature 1 instead of
 * the labels. The teacher's own entropy is left out, as in the published code: it has no gradient.
 *
 *   L = mean_n -sum_c softmax(teacher[n])[c] log softmax(logits[n])[c]
 */
export const distribution: LossKind<{ teacher: number }> = {
  name: "distribution",
  description: "cross-entropy with the probabilities of a teacher instead of the labels (ReActNet)",
  source: "ReActNet, arXiv 2003.03488, section 4.3",
  defaults: { teacher: 0 },
  ...TEACHER_NUMBER,
  make:
    ({ teacher }) =>
    (b, outputs, inputs) => {
      const target = probabilities(b, inputs.get(teacherValue(teacher)));
      return meanOf(b, softCrossEntropy(b, outputs.get("logits"), target));
    },
};
