import type { Measure } from "./study.js";
import type { PairSummary } from "./summary.js";

/** A figure as people read it: shares in percent. */
export function figure(measure: Measure, value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  return isLoss(measure) ? value.toFixed(4) : `${(100 * value).toFixed(2)} %`;
}

/** With its sign; differences of shares are percentage points. */
export function difference(measure: Measure, value: number | null): string {
  if (value === null) return "";
  const sign = value >= 0 ? "+" : "";
  return sign + (isLoss(measure) ? value.toFixed(4) : (100 * value).toFixed(2));
}

/** 95 % interval; nothing where there is one seed only. */
export function intervalText({ measure, low, high }: PairSummary): string {
  return low === null ? "" : `${difference(measure, low)} to ${difference(measure, high)}`;
}

/** A p-value as people read it. */
export function chance(p: number | null): string {
  if (p === null) return "";
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

export const isLoss = (measure: Measure): boolean => measure.endsWith("loss");

/** Of a measure, in words. */
export const measureNames: { readonly [measure in Measure]: string } = {
  "test.top1": "top-1 on the test images",
  "test.top5": "top-5 on the test images",
  "test.loss": "loss on the test images",
  "validation.top1": "top-1 on the held-back images",
  "validation.top5": "top-5 on the held-back images",
  "validation.loss": "loss on the held-back images",
  "train.top1": "top-1 while training",
  gap: "top-1 while training less that on the held-back images",
};
