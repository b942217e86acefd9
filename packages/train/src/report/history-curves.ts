import { type EpochEvent, evaluated } from "../run/events.js";
import type { Curve } from "./types.js";

/** Accuracy, loss, flip rate and metrics of one's own over the epochs of a run. */
export function historyCurves(history: readonly EpochEvent[]): Curve[] {
  const x = history.map(({ epoch }) => epoch);
  const part = history.length ? evaluated(history[0]).part : "test";
  const both = (title: string, of: (scores: { top1: number; loss: number }) => number): Curve => ({
    title,
    xLabel: "epoch",
    x,
    series: [
      { name: "train", y: history.map(({ train }) => of(train)) },
      { name: part, y: history.map((epoch) => of(evaluated(epoch).scores)) },
    ],
  });
  const flips: Curve = {
    title: "flip rate of the binary weights, per step",
    xLabel: "epoch",
    x,
    series: [{ name: "flip rate", y: history.map(({ flipRate }) => flipRate) }],
  };
  const hasFlips = history.some(({ flipRate }) => flipRate !== null);
  return [
    both("top-1", ({ top1 }) => top1),
    both("loss", ({ loss }) => loss),
    ...(hasFlips ? [flips] : []),
    ...metricCurves(history, { x, xLabel: "epoch" }, part),
  ];
}

function metricCurves(
  history: readonly EpochEvent[],
  axis: Pick<Curve, "x" | "xLabel">,
  part: string,
): Curve[] {
  return metricNames(history).map((title) => ({
    ...{ title, ...axis },
    series: [{ name: part, y: history.map((epoch) => metricOf(epoch, title)) }],
  }));
}

/** Metrics of one's own that some of the epochs have. */
export function metricNames(history: readonly EpochEvent[]): string[] {
  const all = history.flatMap((epoch) => Object.keys(evaluated(epoch).scores.metrics ?? {}));
  return [...new Set(all)];
}

export function metricOf(epoch: EpochEvent, name: string): number | null {
  return evaluated(epoch).scores.metrics?.[name] ?? null;
}
