import type { Switches } from "onebit/models";
import type { RecipeOverrides } from "../recipes/index.js";
import type { TeacherChoice } from "../teachers/index.js";

/**
 * What is to be found out by training variants of something, several times each: plain data, written
 * down before it runs. See `checkStudy` for what is refused.
 */
export interface Study {
  readonly name: string;
  readonly question: string;
  /** Whose claim it is, or where the values come from. */
  readonly source?: string;
  /** As openDataset takes it. "DIR" in it is the user's to say. */
  readonly data: string;
  /** Use only so many, chosen by seed 0; default: all. */
  readonly trainImages?: number;
  readonly testImages?: number;
  /** Share of the training images that is held back: epochs are chosen on it. The same for all runs. */
  readonly validation: number;
  /** Name of the recipe that variants start from. */
  readonly recipe: string;
  /** What all variants change about it. */
  readonly overrides?: RecipeOverrides;
  /** Look at every layer every so many steps of every run: for their reports. Default: never. */
  readonly observe?: number;
  /** What all variants train; default: the recipe's. */
  readonly model?: string;
  readonly switches?: Switches;
  /** How many: 0, 1, 2 and so on. Runs of one seed start alike and see the same images in the same order. */
  readonly seeds: number;
  readonly variants: readonly Variant[];
  /** Differences that are asked for. */
  readonly compare: Comparison;
  /** The first decides. */
  readonly measures: readonly Measure[];
}

/** One arm of a study. */
export interface Variant {
  readonly name: string;
  /** In a few words. */
  readonly about?: string;
  /** Another recipe than the study's. */
  readonly recipe?: string;
  /** On top of the study's. */
  readonly overrides?: RecipeOverrides;
  /** Another network than the study's, which then has nothing of its switches. */
  readonly model?: string;
  /** On top of the study's. */
  readonly switches?: Switches;
  readonly teachers?: readonly StudyTeacher[];
  readonly assistants?: readonly StudyTeacher[];
  readonly teacherViews?: number;
  /** Fewer than the study's: of networks that only teach, one may do. */
  readonly seeds?: number;
}

/** Another variant's network of the same seed, or of the seed that is named; or a file. */
export type StudyTeacher = { readonly variant: string; readonly seed?: number } | TeacherChoice;

/** Every other variant against one, or pairs: what the second gains over the first. */
export type Comparison =
  | { readonly baseline: string }
  | { readonly pairs: readonly (readonly [from: string, to: string])[] };

/**
 * Of the epoch that was kept: accuracy or loss on the test images or on those held back; accuracy on
 * the training images, as they were trained on; gap: that less the accuracy on those held back.
 */
export const MEASURES = [
  "test.top1",
  "test.top5",
  "test.loss",
  "validation.top1",
  "validation.top5",
  "validation.loss",
  "train.top1",
  "gap",
] as const;

/** What of a run is compared; a metric of one's own is "test.metrics.NAME" or "validation.metrics.NAME". */
export type Measure = (typeof MEASURES)[number] | `${"test" | "validation"}.metrics.${string}`;

/** Name of the metric of one's own that a measure is; undefined for others. */
export const ownMetric = (measure: string): string | undefined =>
  /^(?:test|validation)\.metrics\.(.+)$/s.exec(measure)?.[1];

/** What is compared: pairs of variants by name. */
export function pairsOf({ compare, variants }: Study): readonly (readonly [string, string])[] {
  if ("pairs" in compare) return compare.pairs;
  const { baseline } = compare;
  return variants.flatMap(({ name }) => (name === baseline ? [] : [[baseline, name] as const]));
}
