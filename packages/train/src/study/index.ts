/**
 * Studies: variants of a training times seeds, planned, run, and compared.
 *
 * ```ts
 * import { checkStudy, studies } from "@onebit/train/study";
 *
 * console.log(Object.keys(studies));
 * const study = checkStudy({
 *   name: "width",
 *   question: "Does a wider network help?",
 *   data: "glyphs",
 *   validation: 0.1,
 *   recipe: "plain",
 *   model: "bnext",
 *   seeds: 3,
 *   variants: [
 *     { name: "narrow", switches: { widths: [8, 16] } },
 *     { name: "wide", switches: { widths: [16, 32] } },
 *   ],
 *   compare: { baseline: "narrow" },
 *   measures: ["test.top1"],
 * });
 * console.log(study.variants.length);
 * ```
 *
 * @module @onebit/train/study
 */
export { studies } from "./catalogue.js";
export { checkStudy } from "./check.js";
export type { Choice, GivenChoice } from "./choice.js";
export type { StudyEvent } from "./events.js";
export { chance, difference, figure, intervalText } from "./figures.js";
export { StudyFolder } from "./folder.js";
export type { Priority } from "./job.js";
export type { PlannedVariant, StudyPlan, VariantCost } from "./plan.js";
export { readStudy } from "./read.js";
export type { RunCurves, RunResult } from "./results.js";
export { planStudy, runStudy, type StudyOptions } from "./runner.js";
export { nameOfRun, type StudyRun } from "./runs.js";
export { type Interval, interval, type Spread, spread } from "./statistics.js";
export {
  type Comparison,
  MEASURES,
  type Measure,
  pairsOf,
  type Study,
  type StudyTeacher,
  type Variant,
} from "./study.js";
export type { StudyResult } from "./study-result.js";
export type { PairSummary, StudySummary, VariantSummary } from "./summary.js";
