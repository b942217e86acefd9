import type { LossKind } from "./loss.js";
import { meanOf, scaled, softCrossEntropy } from "./soft-cross-entropy.js";

/**
 * Cross-entropy with the labels, smoothed by ε:
 *
 *   L = mean_n -sum_c ((1 - ε) target[n,c] + ε / classes) log softmax(logits[n])[c]
 */
export const crossEntropy: LossKind<{ smoothing: number }> = {
  name: "cross-entropy",
  description:
    "cross-entropy with the labels; smoothing: share of the target spread over all classes",
  source: "label smoothing: arXiv 1512.00567, section 7",
  defaults: { smoothing: 0 },
  ranges: { smoothing: [0, 1] },
  make:
    ({ smoothing }) =>
    (b, outputs, inputs) => {
      const logits = outputs.get("logits");
      const sharp = inputs.get("target");
      const spread = b.constant(smoothing / b.shape(logits)[1]);
      const target = smoothing ? b.op("add", [scaled(b, sharp, 1 - smoothing), spread]) : sharp;
      return meanOf(b, softCrossEntropy(b, logits, target));
    },
};
