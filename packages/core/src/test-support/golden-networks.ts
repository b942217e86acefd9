import { expect } from "vitest";
import type { Tensor } from "../graph/types.js";
import type { ModelOptions } from "../models/options.js";

/** A network of the goldens as this library builds it. */
export interface GoldenNetwork {
  /** Its folder. */
  readonly name: string;
  readonly model: string;
  readonly options: ModelOptions;
}

export const goldenNetworks: readonly GoldenNetwork[] = [
  {
    name: "bnext-narrow-c10",
    model: "bnext",
    options: { widths: [8, 16, 32, 32, 32, 64, 64, 64], classes: 10, input: [3, 32, 32] },
  },
  {
    name: "bnext18-narrow-c10",
    model: "bnext-18",
    options: { width: 8, classes: 10, input: [3, 32, 32] },
  },
  {
    name: "reactnet-a-narrow",
    model: "reactnet",
    options: { widths: [8, 16, 32, 32, 64, 64], classes: 100, input: [3, 64, 64] },
  },
  {
    name: "reactnet-18-narrow",
    model: "reactnet-18",
    options: { width: 8, classes: 100, input: [3, 64, 64] },
  },
];

/** What 512 epochs leave of the temperature. */
export const goldenTemperature = 0.9 ** 511;

/** Images `from` to `to` of a batch. */
export function imagesOf({ data, shape }: Tensor, from: number, to = from + 1): Tensor {
  const size = data.length / shape[0];
  return { shape: [to - from, ...shape.slice(1)], data: data.slice(from * size, to * size) };
}

/** Rule A: max|logit - reference| <= 2e-5 max|reference| and the same top-1, image by image. */
export function expectRuleA(logits: Tensor, reference: Tensor): void {
  expect(logits.shape).toEqual(reference.shape);
  for (let n = 0; n < reference.shape[0]; n++) {
    const [actual, wanted] = [imagesOf(logits, n), imagesOf(reference, n)];
    expect(relativeError(actual, wanted), `image ${n}`).toBeLessThanOrEqual(2e-5);
    expect(top1(actual), `image ${n}`).toBe(top1(wanted));
  }
}

/**
 * Rule C, for images that nobody selected: at least 90 % within 1e-4 of the float32 or the float64
 * logits, and top-1 as in float64 for as many. What flips a sign is in the rest.
 */
export function expectRuleC(logits: Tensor, single: Tensor, double: Tensor): void {
  expect(logits.shape).toEqual(double.shape);
  const [count] = logits.shape;
  let [close, agreeing] = [0, 0];
  for (let n = 0; n < count; n++) {
    const actual = imagesOf(logits, n);
    const errors = [single, double].map((one) => relativeError(actual, imagesOf(one, n)));
    if (Math.min(...errors) <= 1e-4) close++;
    if (top1(actual) === top1(imagesOf(double, n))) agreeing++;
  }
  expect(close / count).toBeGreaterThanOrEqual(0.9);
  expect(agreeing / count).toBeGreaterThanOrEqual(0.9);
}

/** max|actual - reference| / max|reference|. NaN where a number is. */
export function relativeError({ data: actual }: Tensor, { data: reference }: Tensor): number {
  let [difference, largest] = [0, 0];
  reference.forEach((x, i) => {
    difference = Math.max(difference, Math.abs(actual[i] - x));
    largest = Math.max(largest, Math.abs(x));
  });
  return difference / largest;
}

function top1({ data }: Tensor): number {
  return data.indexOf(Math.max(...data));
}
