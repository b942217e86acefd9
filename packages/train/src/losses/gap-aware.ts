import type { GraphBuilder } from "onebit/graph";
import { type LossKind, teacherCount, teacherValue } from "./loss.js";
import { meanOf, probabilities, scaled, softCrossEntropy, sumOf } from "./soft-cross-entropy.js";

/**
 * BNext's distillation from T teachers, each weighted by how far it is from the student:
 *
 *   CE_t[n] = -sum_c softmax(teacher_t[n])[c] log softmax(logits[n])[c]
 *   a_t[n]  = softmax over t of CE_t[n], without a gradient
 *
 *   as-intended    L = mean_n 1/T sum_t a_t[n] CE_t[n]
 *   as-published   L = 1/T sum_t mean_n(a_t[n]) mean_n(CE_t[n])
 *
 * The published code means the first and computes the second: its comparison with "Instance" fails, so that
 * CE_t is a mean over the batch (and mended it would broadcast to the same product of means). In it the
 * teacher farther from the student weighs more; `nearer` takes softmax of -CE_t instead. `equal`: 1/2
 * for every teacher, as the code without "hard knowledge".
 */
export const gapAware: LossKind<{ form: string; weight: string }> = {
  name: "gap-aware",
  description:
    "distillation from all teachers, weighted by their distance from the student (BNext)",
  source: "BNext, arXiv 2211.12933, and its training code",
  defaults: { form: "as-published", weight: "farther" },
  words: { form: ["as-published", "as-intended"], weight: ["farther", "nearer", "equal"] },
  make:
    ({ form, weight }) =>
    (b, outputs, inputs) => {
      const count = Math.max(1, teacherCount(inputs));
      const logits = outputs.get("logits");
      const gaps = Array.from({ length: count }, (_, t) =>
        softCrossEntropy(b, logits, probabilities(b, inputs.get(teacherValue(t)))),
      );
      const weights = gapWeights(b, gaps, weight);
      const terms = gaps.map((gap, t) =>
        form === "as-intended"
          ? meanOf(b, b.op("mul", [weights[t], gap]))
          : b.op("mul", [meanOf(b, weights[t]), meanOf(b, gap)]),
      );
      return scaled(b, sumOf(b, terms), 1 / count);
    },
};

/** gaps: [N, 1] each. */
function gapWeights(b: GraphBuilder, gaps: readonly string[], weight: string): string[] {
  if (weight === "equal") return gaps.map((gap) => b.constant(0.5, b.shape(gap)));
  const together = b.op("concat", gaps, { axis: 1 });
  const distances = scaled(b, together, weight === "nearer" ? -1 : 1);
  const weights = b.op("detach", [b.op("softmax", [distances], { axis: 1 })]);
  return gaps.map((_, t) => b.op("slice", [weights], { axis: 1, start: t, end: t + 1 }));
}
