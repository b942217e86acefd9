import type { RunResult } from "./results.js";
import { interval, type Spread, spread } from "./statistics.js";
import { type Measure, pairsOf, type Study } from "./study.js";

/** A variant's figures over its seeds. */
export interface VariantSummary {
  readonly variant: string;
  /** Runs that are done, of how many. */
  readonly n: number;
  readonly of: number;
  /** Seeds without figures, and why: no mean has them. */
  readonly missing: readonly { readonly seed: number; readonly reason: string }[];
  readonly figures: { readonly [measure in Measure]?: Spread };
}

/** What the second variant has more than the first, seed by seed. */
export interface PairSummary {
  readonly from: string;
  readonly to: string;
  readonly measure: Measure;
  /** Seeds that both have. */
  readonly seeds: readonly number[];
  /** `to` less `from`, in the order of `seeds`. */
  readonly differences: readonly number[];
  readonly mean: number | null;
  readonly deviation: number | null;
  /** 95 % confidence, Student's t over the seeds; null for fewer than two. */
  readonly low: number | null;
  readonly high: number | null;
  readonly p: number | null;
}

/** Means, spreads and differences of all runs that are done. */
export interface StudySummary {
  readonly variants: readonly VariantSummary[];
  readonly pairs: readonly PairSummary[];
}

export function summaryOf(study: Study, runs: readonly RunResult[]): StudySummary {
  const names = study.variants.map(({ name }) => name);
  const own = (name: string) => runs.filter(({ variant }) => variant === name);
  const present = names.filter((name) => own(name).length);
  return {
    variants: present.map((name) => variantSummary(name, own(name))),
    pairs: study.measures.flatMap((measure) =>
      pairsOf(study)
        .filter((pair) => pair.every((name) => present.includes(name)))
        .map(([from, to]) => pairSummary({ from, to, measure }, own(from), own(to))),
    ),
  };
}

function variantSummary(variant: string, runs: readonly RunResult[]): VariantSummary {
  const done = runs.flatMap(({ figures }) => figures ?? []);
  const measures = Object.keys(done[0] ?? {}) as Measure[];
  const spreads = measures.map(
    (measure) => [measure, spread(done.map((figures) => figures[measure]))!] as const,
  );
  return {
    ...{ variant, n: done.length, of: runs.length },
    missing: runs
      .filter(({ figures }) => !figures)
      .map(({ seed, status, reason }) => ({ seed, reason: reason ?? status })),
    figures: Object.fromEntries(spreads),
  };
}

function pairSummary(
  pair: Pick<PairSummary, "from" | "to" | "measure">,
  from: readonly RunResult[],
  to: readonly RunResult[],
): PairSummary {
  const both = from.flatMap(({ seed, figures }) => {
    const other = to.find((run) => run.seed === seed)?.figures;
    if (!figures || !other) return [];
    return [{ seed, difference: other[pair.measure] - figures[pair.measure] }];
  });
  const differences = both.map(({ difference }) => difference);
  const found = interval(differences);
  return {
    ...pair,
    ...{ seeds: both.map(({ seed }) => seed), differences },
    ...{ mean: found?.mean ?? null, deviation: found?.deviation ?? null },
    ...{ low: found?.low ?? null, high: found?.high ?? null, p: found?.p ?? null },
  };
}
