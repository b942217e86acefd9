import { OnebitError } from "onebit";
import type { GraphBuilder } from "onebit/graph";

/**
 * Cross-entropy of every image against a distribution over the classes:
 *
 *   CE[n] = -sum_c target[n,c] log softmax(logits[n])[c]
 *
 * logits, target: [N, classes]. Returns [N, 1].
 */
export function softCrossEntropy(b: GraphBuilder, logits: string, target: string): string {
  if (b.shape(logits).length !== 2 || b.shape(target).join() !== b.shape(logits).join()) {
    throw new OnebitError(
      `cross-entropy of logits [${b.shape(logits)}] and target [${b.shape(target)}]: both must be [N, classes]`,
    );
  }
  const logProbabilities = b.op("log-softmax", [logits], { axis: 1 });
  const products = b.op("mul", [target, logProbabilities]);
  return b.op("neg", [b.op("sum", [products], { axes: [1], keepDims: true })]);
}

/** Mean over all elements: a scalar. */
export function meanOf(b: GraphBuilder, value: string): string {
  const axes = b.shape(value).map((_, axis) => axis);
  return axes.length ? b.op("mean", [value], { axes, keepDims: false }) : value;
}

/** softmax(logits / temperature), without a gradient: a teacher's probabilities. */
export function probabilities(b: GraphBuilder, logits: string, temperature = 1): string {
  const softened = scaled(b, logits, 1 / temperature);
  return b.op("detach", [b.op("softmax", [softened], { axis: 1 })]);
}

export function scaled(b: GraphBuilder, value: string, factor: number): string {
  return factor === 1 ? value : b.op("mul", [value, b.constant(factor)]);
}

/** Of at least one value of the same shape. */
export function sumOf(b: GraphBuilder, [first, ...others]: readonly string[]): string {
  return others.reduce((sum, value) => b.op("add", [sum, value]), first);
}
