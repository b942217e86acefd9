import type { SignalLike } from "onebit";
import { breath } from "./breath.js";

/** Weights [classes, inputs] and biases [classes], row-major. */
export interface LinearClassifier {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export interface RegressionOptions {
  readonly classes: number;
  /** Weight of the penalty on the squares of the weights, of inputs with deviation 1. Default: 1e-2. */
  readonly penalty?: number;
  readonly iterations?: number;
  readonly signal?: SignalLike;
}

/**
 * Multinomial logistic regression: the minimum, over W and b, of
 *
 *   mean over n of (log sum exp(W z_n + b) - (W z_n + b)[label_n]) + penalty / 2 · |W|²
 *
 * where z are the inputs, each shifted and scaled to mean 0 and deviation 1; what is returned applies to the
 * inputs as they are. By Nesterov's accelerated gradient with a step of 1 / L, L = mean |z|² + 1 + penalty
 * an upper bound of the curvature.
 */
export async function softmaxRegression(
  inputs: readonly Float32Array[],
  labels: readonly number[],
  { classes, penalty = 1e-2, iterations = 300, signal }: RegressionOptions,
): Promise<LinearClassifier> {
  const [{ length: width }] = inputs;
  const { mean, deviation } = statistics(inputs);
  // A last input of 1 stands for the bias, which is not penalised.
  const rows = inputs.map((x) =>
    Float64Array.from({ length: width + 1 }, (_, i) =>
      i < width ? (x[i] - mean[i]) / deviation[i] : 1,
    ),
  );
  const curvature = rows.reduce((sum, row) => sum + dot(row, row, 0), 0) / rows.length + penalty;
  const size = classes * (width + 1);
  let before = new Float64Array(size);
  let now = new Float64Array(size);
  for (let step = 1; step <= iterations; step++) {
    const momentum = (step - 1) / (step + 2);
    const ahead = now.map((w, i) => w + momentum * (w - before[i]));
    const slope = gradient(ahead, rows, labels, { classes, penalty });
    before = now;
    now = ahead.map((w, i) => w - slope[i] / curvature);
    if (step % 20 === 0) await breath();
    signal?.throwIfAborted();
  }
  return unscaled(now, mean, deviation, classes);
}

function statistics(inputs: readonly Float32Array[]) {
  const [{ length: width }] = inputs;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (const x of inputs) for (let i = 0; i < width; i++) mean[i] += x[i] / inputs.length;
  for (const x of inputs) {
    for (let i = 0; i < width; i++) square[i] += (x[i] - mean[i]) ** 2 / inputs.length;
  }
  // What never changes tells nothing, whatever it is divided by.
  return { mean, deviation: square.map((variance) => Math.sqrt(variance) || 1) };
}

function gradient(
  weights: Float64Array,
  rows: readonly Float64Array[],
  labels: readonly number[],
  { classes, penalty }: { readonly classes: number; readonly penalty: number },
): Float64Array {
  const { length: width } = rows[0];
  const slope = weights.map((w, i) => (i % width === width - 1 ? 0 : penalty * w));
  rows.forEach((row, n) => {
    const scores = Float64Array.from({ length: classes }, (_, k) => dot(weights, row, k * width));
    const top = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - top));
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (let k = 0; k < classes; k++) {
      const error = (powers[k] / total - Number(k === labels[n])) / rows.length;
      for (let i = 0; i < width; i++) slope[k * width + i] += error * row[i];
    }
  });
  return slope;
}

/** Of a row of a and b. */
function dot(a: Float64Array, b: Float64Array, from: number): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[from + i] * b[i];
  return sum;
}

function unscaled(
  weights: Float64Array,
  mean: Float64Array,
  deviation: Float64Array,
  classes: number,
): LinearClassifier {
  const { length: width } = mean;
  const weight = new Float32Array(classes * width);
  const bias = new Float32Array(classes);
  for (let k = 0; k < classes; k++) {
    let shift = weights[k * (width + 1) + width];
    for (let i = 0; i < width; i++) {
      const w = weights[k * (width + 1) + i] / deviation[i];
      weight[k * width + i] = w;
      shift -= w * mean[i];
    }
    bias[k] = shift;
  }
  return { weight, bias };
}
