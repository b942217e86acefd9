import {
  chance,
  difference,
  figure,
  intervalText,
  type Measure,
  type PairSummary,
  type StudyPlan,
  type StudyResult,
  type VariantSummary,
} from "@onebit/train/study";
import { counted } from "onebit/words";
import { bytes, duration, si, table } from "../terminal.js";

/** What is to be run, and what it takes. */
export function planLines(plan: StudyPlan): string[] {
  const { study, variants, runs, hours, processes, threads } = plan;
  const rows = Object.entries(variants).map(([name, { seconds, bytes: size, cost, notes }]) => [
    name,
    runs.filter(({ variant }) => variant === name).length,
    duration(seconds),
    bytes(size),
    si(cost.binaryMacs),
    si(cost.macs - cost.binaryMacs),
    bytes(cost.bytes),
    notes.join("; "),
  ]);
  const head = ["variant", "runs", "each", "disk", "1-bit MACs", "real MACs", "packed", ""];
  const align = ["left", ...Array(6).fill("right"), "left"] as ("left" | "right")[];
  return [
    study.question,
    ...deviationLines(plan.deviations),
    table(head, rows, align),
    `${counted(runs.length, "run")}, ${processes} at a time with ${counted(threads, "thread")} each: about ${hoursText(hours)}, up to ${bytes(plan.bytes)}`,
  ];
}

function hoursText(hours: number): string {
  return hours < 1 ? counted(Math.ceil(60 * hours), "minute") : `${hours.toFixed(1)} hours`;
}

/** Means and spreads, then differences. */
export function resultLines({ summary, measures, isPilot, deviations }: StudyResult): string[] {
  const [measure] = measures;
  const lines = summary.variants.map((variant) => variantRow(variant, measure));
  const { pairs } = summary;
  return [
    ...deviationLines(deviations, isPilot),
    table(["variant", "runs", measure, "deviation", "lowest", "highest"], lines),
    ...(pairs.length ? ["", differenceTable(pairs)] : []),
    ...missingLines(summary.variants),
  ];
}

function deviationLines(deviations: readonly string[], isPilot = deviations.length > 0): string[] {
  if (!deviations.length) return [];
  const what = isPilot ? "A pilot, not the study" : "Not quite the study";
  return [`${what}: ${deviations.join("; ")}`];
}

function variantRow({ variant, n, of, figures }: VariantSummary, measure: Measure) {
  const found = figures[measure];
  const runs = n === of ? String(n) : `${n} of ${of}`;
  if (!found) return [variant, runs, "", "", "", ""];
  const { mean, deviation, lowest, highest } = found;
  return [variant, runs, ...[mean, deviation, lowest, highest].map((x) => figure(measure, x))];
}

function differenceTable(pairs: readonly PairSummary[]): string {
  const head = ["difference", "measure", "n", "mean", "95 % interval", "p"];
  const align = ["left", "left", "right", "right", "right", "right"] as const;
  return table(head, pairs.map(pairRow), align);
}

function pairRow(pair: PairSummary) {
  const { from, to, measure, differences, mean, p } = pair;
  const name = `${to} - ${from}`;
  const found = [difference(measure, mean), intervalText(pair), chance(p)];
  return [name, measure, differences.length, ...found];
}

function missingLines(variants: readonly VariantSummary[]): string[] {
  return variants.flatMap(({ variant, missing }) =>
    missing.map(({ seed, reason }) => `${variant} seed ${seed} is in no mean: ${reason}`),
  );
}
