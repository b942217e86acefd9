import { arch, availableParallelism, cpus, platform } from "node:os";
import type { Recipe } from "../recipes/index.js";
import type { TrainingBackend } from "../runtime/providers.js";
import type { StudyPlan, VariantCost } from "./plan.js";
import type { RunResult } from "./results.js";
import type { Comparison, Measure, Variant } from "./study.js";
import { type StudySummary, summaryOf } from "./summary.js";

/** study.json: plan, every run, summary. Nothing in it depends on where the data lie. */
export interface StudyResult {
  readonly format: 1;
  readonly name: string;
  readonly question: string;
  readonly source?: string;
  readonly measures: readonly Measure[];
  readonly compare: Comparison;
  /** Whether this is less, or other, than the study that was written down; and in what. */
  readonly isPilot: boolean;
  readonly deviations: readonly string[];
  readonly data: {
    /** As the study says it. */
    readonly spec: string;
    readonly name: string;
    readonly classes: number;
    readonly trainImages?: number;
    readonly testImages?: number;
    readonly validation: number;
    readonly fingerprint: string | null;
  };
  readonly seeds: number;
  readonly variants: readonly (Omit<Variant, "recipe"> & {
    readonly recipe: Recipe;
    readonly cost: VariantCost;
  })[];
  readonly runs: readonly RunResult[];
  readonly summary: StudySummary;
  readonly plan: { readonly runs: number; readonly hours: number; readonly bytes: number };
  /** Of all runs, one after another. */
  readonly hours: number;
  /** Of onebit's sources. */
  readonly revision: string | null;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly platform: string };
  readonly threads: number;
  readonly backend: TrainingBackend;
}

export function studyResult(
  plan: StudyPlan,
  runs: readonly RunResult[],
  revision: string | null,
): StudyResult {
  const { study, choice, data, variants, threads, backend = "cpu" } = plan;
  const { spec: _, ...images } = data;
  return {
    format: 1,
    ...{ name: study.name, question: study.question, source: study.source },
    ...{ measures: study.measures, compare: study.compare },
    ...{ isPilot: isPilot(plan), deviations: plan.deviations },
    data: { spec: study.data, ...images, validation: study.validation },
    seeds: choice.seeds,
    variants: study.variants
      .filter(({ name }) => choice.variants.includes(name))
      .map((variant) => {
        const { fitted, cost } = variants[variant.name];
        return { ...withoutPaths(variant), recipe: fitted, cost };
      }),
    runs,
    summary: summaryOf(study, runs),
    plan: { runs: plan.runs.length, hours: plan.hours, bytes: plan.bytes },
    hours: runs.reduce((sum, { seconds = 0 }) => sum + seconds, 0) / 3600,
    revision,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      platform: `${platform()} ${arch()}`,
    },
    ...{ threads, backend },
  };
}

/** More seeds than were planned are said, and are no less than the study. */
function isPilot({ study, choice, deviations }: StudyPlan): boolean {
  const more = choice.seeds > study.seeds ? 1 : 0;
  return deviations.length > more;
}

/** Of teachers' files the names. */
function withoutPaths(variant: Variant): Variant {
  const named = (teachers: Variant["teachers"]) =>
    teachers?.map((given) =>
      "path" in given ? { ...given, path: given.path.split(/[\\/]/).at(-1)! } : given,
    );
  const { teachers, assistants, ...rest } = variant;
  return {
    ...rest,
    ...(teachers && { teachers: named(teachers) }),
    ...(assistants && { assistants: named(assistants) }),
  };
}

/** Indented, with lists of numbers on one line. */
export function readableJson(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/\[\s+([^[\]{}"]*?)\s+\]/g, (_, list: string) => {
    return `[${list.replace(/\s+/g, " ")}]`;
  });
}
