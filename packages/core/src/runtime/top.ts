/** One guess of a classifier. */
export interface Prediction {
  /** Class number. */
  readonly index: number;
  /** The class's name, or its number as text where the model has no labels. */
  readonly label: string;
  /** Softmax probability, 0 to 1. */
  readonly probability: number;
}

/** The `count` likeliest classes, likeliest first; of equals the lower index. */
export function topPredictions(
  logits: Float32Array,
  count: number,
  labels?: readonly string[],
): Prediction[] {
  const probabilities = softmax(logits);
  const order = [...probabilities.keys()].sort((a, b) => logits[b] - logits[a] || a - b);
  return order.slice(0, count).map((index) => ({
    index,
    label: labels?.[index] ?? String(index),
    probability: probabilities[index],
  }));
}

/** exp(x - max) / sum, in float64. */
export function softmax(logits: Float32Array): Float64Array {
  const largest = logits.reduce((max, x) => Math.max(max, x), Number.NEGATIVE_INFINITY);
  const powers = Float64Array.from(logits, (x) => Math.exp(x - largest));
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((x) => x / total);
}

/** As an option's check: how many classes can be asked for. */
export const checkTop = (top: unknown) =>
  (Number.isInteger(top) && (top as number) > 0) || "a whole number from 1";
