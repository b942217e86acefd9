import { isDeepStrictEqual } from "node:util";
import type { Graph } from "onebit/graph";
import type { Dataset } from "../data/index.js";
import { teachersAsked } from "../engine/asked.js";
import { type Loss, lossOf } from "../losses/index.js";
import type { Recipe } from "../recipes/index.js";
import {
  checkEachTeaches,
  checkEnough,
  chosenTeachers,
  type GivenTeacher,
  givenTeachers,
  type NamedTeacher,
  namedTeachers,
  otherTeachersNote,
  seatsOf,
  type TeacherOptions,
  type TeacherRecord,
  Teachers,
} from "../teachers/index.js";
import type { DataRecord, RunRecord } from "./run-folder.js";
import { type Stage, stagesOf } from "./stages.js";

/** What decides who teaches in a training. */
export interface Lesson {
  readonly recipe: Recipe;
  readonly loss: Loss | string;
  readonly network: Graph;
  readonly dataset: Dataset;
  readonly data: DataRecord;
  readonly threads: number;
  /** Name of the stage; undefined in the last one. */
  readonly stage?: string;
  /** Whether teachers are tried on the test images. Default: true. */
  readonly measured?: boolean;
  /** Trainings before, which may have measured the same teachers. */
  readonly earlier?: readonly RunRecord[];
}

export interface OpenedTeachers {
  readonly teachers: Teachers;
  /** Of a recipe with stages those of all stages; else undefined. */
  readonly all?: readonly GivenTeacher[];
  readonly notes: readonly string[];
}

/**
 * Opens the teachers that the loss asks. UsageError, before that, where it asks for more than there are, and,
 * of a recipe without stages, where one would not be asked.
 */
export async function openTeachers(
  options: TeacherOptions,
  lesson: Lesson,
): Promise<OpenedTeachers> {
  const { recipe, loss, network, stage, data, earlier = [], ...place } = lesson;
  const { chosen, asked, taking } = whoTeaches(options, { recipe, loss, network, stage });
  const isStaged = stage !== undefined || recipe.stages.length > 0;
  if (!isStaged) checkEachTeaches(options, taking, [recipe.loss]);
  const all = isStaged ? await givenTeachers(options) : [];
  const known = measuredBefore(earlier, data);
  const how = { ...place, asked, known, epochs: recipe.epochs };
  return {
    teachers: await Teachers.open(chosen, how),
    ...(all.length && { all }),
    notes: asked.length ? otherTeachersNote(recipe, options) : [],
  };
}

/** UsageError where the loss asks for more teachers than there are. */
function whoTeaches(
  options: TeacherOptions,
  { recipe, loss, network, stage }: Pick<Lesson, "recipe" | "loss" | "network" | "stage">,
) {
  const chosen = chosenTeachers(options, recipe);
  const seats = seatsOf(chosen);
  const asked = teachersAsked(loss, network, seats.length);
  checkEnough(recipe, chosen, asked, stage);
  const taking = namedTeachers(seats.filter((_, number) => asked.includes(number)));
  return { chosen, asked, taking };
}

/**
 * Whether teachers that are yet to be trained would be enough, and each be asked by some stage. UsageError where not.
 * recipe: with the addresses of its modules.
 */
export async function checkTeachersToCome(
  options: TeacherOptions,
  recipe: Recipe,
  network: Graph,
): Promise<void> {
  const stages = stagesOf(recipe);
  const asked: NamedTeacher[] = [];
  for (const { name, recipe } of stages) {
    const loss = await lossOf(recipe.loss);
    const lesson = { recipe, loss, network, stage: name ?? undefined };
    asked.push(...whoTeaches(options, lesson).taking);
  }
  const losses = stages.map(({ recipe }) => recipe.loss);
  checkEachTeaches(options, asked, losses);
}

/** UsageError for a teacher that none of the stages asks; asked: those whom some stage asks. */
export function checkStagesTeachers(
  options: TeacherOptions,
  asked: readonly GivenTeacher[],
  stages: readonly Stage[],
): void {
  checkEachTeaches(
    options,
    asked,
    stages.map(({ recipe }) => recipe.loss),
  );
}

/** What teachers scored on these images. */
function measuredBefore(records: readonly RunRecord[], data: DataRecord): readonly TeacherRecord[] {
  return records.filter((run) => sameImages(run.data, data)).flatMap((run) => run.teachers ?? []);
}

/** The same may lie elsewhere. */
function sameImages(before: DataRecord, now: DataRecord): boolean {
  const facts = ({ spec, name, ...rest }: DataRecord) =>
    JSON.parse(JSON.stringify(rest.fingerprint === undefined ? { spec, name, ...rest } : rest));
  return isDeepStrictEqual(facts(before), facts(now));
}
