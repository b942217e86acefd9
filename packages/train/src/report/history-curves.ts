import { type EpochEvent, evaluated } from "../run/events.js";
import type { Curve } from "./types.js";

/** Accuracy, loss and flip rate over the epochs of a run. */
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
  const curves = [both("top-1", ({ top1 }) => top1), both("loss", ({ loss }) => loss)];
  return history.some(({ flipRate }) => flipRate !== null) ? [...curves, flips] : curves;
}
