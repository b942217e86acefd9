import { OnebitError } from "onebit";
import type { GraphBuilder } from "onebit/graph";

/**
 * Cross-entropy against a distribution over the classes, averaged over the batch.
 *
 *   loss = -1/N sum_n sum_c target[n,c] log softmax(logits[n])[c]
 *
 * logits, target: [N, classes]. Returns a scalar.
 *
 * What the target holds decides the loss's name: one-hot labels give plain cross-entropy, smoothed
 * ones label smoothing, a teacher's probabilities the distribution loss (ReActNet, arXiv
 * 2003.03488, section 4.3, without the teacher's own entropy, which has no gradient).
 */
export function crossEntropy(b: GraphBuilder, logits: string, target: string): string {
  const classes = b.shape(logits)[1];
  if (b.shape(logits).length !== 2 || b.shape(target).join() !== b.shape(logits).join()) {
    throw new OnebitError(
      `cross-entropy of logits [${b.shape(logits)}] and target [${b.shape(target)}]: both must be [N, classes]`,
    );
  }
  const logProbabilities = b.op("log-softmax", [logits], { axis: 1 }, "loss/log-softmax");
  const products = b.op("mul", [target, logProbabilities], {}, "loss/products");
  const mean = b.op("mean", [products], { axes: [0, 1], keepDims: false }, "loss/mean");
  return b.op("mul", [mean, b.constant(-classes)], {}, "loss");
}

/**
 * ReActNet's distribution loss: cross-entropy against the teacher's probabilities (temperature 1,
 * no hard-label term). The teacher gets no gradient.
 *
 * logits, teacherLogits: [N, classes]. Returns a scalar.
 */
export function distributionLoss(b: GraphBuilder, logits: string, teacherLogits: string): string {
  const teacher = b.op("softmax", [teacherLogits], { axis: 1 }, "loss/teacher");
  return crossEntropy(b, logits, b.op("detach", [teacher], {}, "loss/teacher-detached"));
}
