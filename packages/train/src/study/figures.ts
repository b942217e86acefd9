import { type MEASURES, type Measure, ownMetric } from "./study.js";
import type { PairSummary } from "./summary.js";

/** A figure as people read it: shares in percent, losses and metrics of one's own as they are. */
export function figure(measure: Measure, value: number | null | undefined): string {
  if (value === null || value === undefined) return "";
  return isShare(measure) ? `${(100 * value).toFixed(2)} %` : value.toFixed(4);
}

/** With its sign; differences of shares are percentage points. */
export function difference(measure: Measure, value: number | null): string {
  if (value === null) return "";
  const sign = value >= 0 ? "+" : "";
  return sign + (isShare(measure) ? (100 * value).toFixed(2) : value.toFixed(4));
}

/** 95 % interval; nothing where there is one seed only, or all say the same. */
export function intervalText({ measure, low, high }: PairSummary): string {
  return low === null ? "" : `${difference(measure, low)} to ${difference(measure, high)}`;
}

/** A p-value as people read it. */
export function chance(p: number | null): string {
  if (p === null) return "";
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** Whether it is a share of images. */
export const isShare = (measure: Measure): boolean =>
  ownMetric(measure) === undefined && !measure.endsWith("loss");

/** A measure in words. */
export function measureName(measure: Measure): string {
  const metric = ownMetric(measure);
  if (metric === undefined) return names[measure as Known];
  return `${metric} on the ${measure.startsWith("test.") ? "test" : "held-back"} images`;
}

type Known = (typeof MEASURES)[number];

const names: { readonly [measure in Known]: string } = {
  "test.top1": "top-1 on the test images",
  "test.top5": "top-5 on the test images",
  "test.loss": "loss on the test images",
  "validation.top1": "top-1 on the held-back images",
  "validation.top5": "top-5 on the held-back images",
  "validation.loss": "loss on the held-back images",
  "train.top1": "top-1 while training",
  gap: "top-1 while training less that on the held-back images",
};
