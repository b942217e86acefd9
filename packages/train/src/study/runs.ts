import { join } from "node:path";
import type { TeacherOptions } from "../teachers/index.js";
import type { Study, StudyTeacher, Variant } from "./study.js";

/** One training of a study. */
export interface StudyRun {
  readonly variant: string;
  readonly seed: number;
}

/** What messages and folders call a run. */
export const nameOfRun = ({ variant, seed }: StudyRun): string => `${variant}-seed${seed}`;

export const folderOfRun = (out: string, run: StudyRun): string =>
  join(out, "runs", nameOfRun(run));

/** What is trained: all variants of one seed before the next, so that what is there can be compared. */
export function runsOf(study: Study, variants: readonly string[], seeds: number): StudyRun[] {
  const chosen = study.variants.filter(({ name }) => variants.includes(name));
  return Array.from({ length: seeds }, (_, seed) => seed).flatMap((seed) =>
    chosen
      .filter((own) => seed < (own.seeds ?? seeds))
      .map(({ name }) => ({ variant: name, seed })),
  );
}

/** The runs whose networks teach in a run. */
export function teachersOf(study: Study, { variant, seed }: StudyRun): StudyRun[] {
  const { teachers = [], assistants = [] } = variantNamed(study, variant);
  return [...assistants, ...teachers].flatMap((given) =>
    "path" in given ? [] : [runOf(given, seed)],
  );
}

/** As `train` takes them. */
export function teacherPaths(study: Study, run: StudyRun, out: string): TeacherOptions {
  const variant = variantNamed(study, run.variant);
  const path = (given: StudyTeacher) =>
    "path" in given ? given : folderOfRun(out, runOf(given, run.seed));
  return { teachers: variant.teachers?.map(path), assistants: variant.assistants?.map(path) };
}

export function variantNamed({ variants }: Study, name: string): Variant {
  return variants.find((variant) => variant.name === name)!;
}

function runOf({ variant, seed }: Extract<StudyTeacher, { variant: string }>, own: number) {
  return { variant, seed: seed ?? own };
}
