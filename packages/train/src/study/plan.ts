import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "onebit";
import { summarize } from "onebit/cost";
import type { Graph } from "onebit/graph";
import { type Dataset, fingerprint, openDataset } from "../data/index.js";
import { ownModules } from "../own/index.js";
import { overrideRecipe, type Recipe } from "../recipes/index.js";
import { refuseAmongPictures } from "../run/data-of-run.js";
import { type DryRun, dryRun } from "../run/dry-run.js";
import { buildNetwork, recordOf } from "../run/network.js";
import { trainingPreprocess } from "../run/prepare.js";
import { checkTeachersToCome } from "../run/teaching.js";
import type { TrainingBackend } from "../runtime/providers.js";
import type { TeacherChoice } from "../teachers/index.js";
import { type Choice, deviations } from "./choice.js";
import { at, placed } from "./fields.js";
import type { StudyImages } from "./job.js";
import { recipeOf } from "./recipe-of.js";
import { runsOf, type StudyRun, variantNamed } from "./runs.js";
import type { Study, StudyTeacher, Variant } from "./study.js";

/** What a study will do: written down before its first run. */
export interface StudyPlan {
  readonly format: 1;
  readonly study: Study;
  readonly choice: Choice;
  /** Where it is not what was written down; a study without any is what its page says. */
  readonly deviations: readonly string[];
  readonly data: StudyImages & {
    readonly name: string;
    readonly classes: number;
    readonly fingerprint: string | null;
  };
  readonly variants: { readonly [name: string]: PlannedVariant };
  readonly runs: readonly StudyRun[];
  /** Of all runs, `processes` at a time. */
  readonly hours: number;
  readonly bytes: number;
  readonly processes: number;
  readonly threads: number;
  /** Absent in studies of before there were several: cpu. */
  readonly backend?: TrainingBackend;
}

/** What one run of a variant is, and takes on this machine. */
export interface PlannedVariant {
  readonly recipe: Recipe;
  /** As it is recorded: fitted to the number of images. */
  readonly fitted: Recipe;
  readonly seconds: number;
  readonly bytes: number;
  readonly cost: VariantCost;
  readonly notes: readonly string[];
}

/** Of one image, in inference. */
export interface VariantCost {
  readonly parameters: number;
  readonly binaryParameters: number;
  readonly macs: number;
  /** Of these. */
  readonly binaryMacs: number;
  readonly ops: number;
  /** Of the packed network. */
  readonly bytes: number;
}

export interface PlanOptions {
  readonly out: string;
  readonly processes: number;
  readonly threads: number;
  readonly backend: TrainingBackend;
  readonly onVariant?: (name: string) => void;
}

/** Opens the data and tries a few steps of every variant. UsageError for what could not run. */
export async function makePlan(
  study: Study,
  choice: Choice,
  { out, processes, threads, backend, onVariant }: PlanOptions,
): Promise<StudyPlan> {
  const { trainImages, testImages } = study;
  const dataset = await openDataset(choice.data, { trainImages, testImages });
  refuseAmongPictures(dataset, out);
  const runs = runsOf(study, choice.variants, choice.seeds);
  const variants: { [name: string]: PlannedVariant } = {};
  const placeOf = (variant: Variant) => `variants[${study.variants.indexOf(variant)}]`;
  const recipes = choice.variants.map((name) => {
    const variant = variantNamed(study, name);
    const place = placeOf(variant);
    const recipe = recipeOf(study, variant, { set: choice.set, place });
    // At once, not after minutes of trying others.
    at(place, () => networkOf(dataset, recipe));
    return { variant, recipe };
  });
  for (const { variant, recipe } of recipes) {
    onVariant?.(variant.name);
    const validation = { share: study.validation };
    const where = { dataset, threads, backend, out, validation };
    try {
      variants[variant.name] = await planVariant(variant, await ownModules(recipe), where);
    } catch (error) {
      throw placed(placeOf(variant), error);
    }
  }
  const total = (of: "seconds" | "bytes") =>
    runs.reduce((sum, { variant }) => sum + variants[variant][of], 0);
  return {
    ...{ format: 1, study, choice, deviations: deviations(study, choice) },
    data: {
      ...{ spec: choice.data, trainImages, testImages },
      ...{ name: dataset.name, classes: dataset.classes.length },
      fingerprint: (await fingerprint(dataset)) ?? null,
    },
    ...{ variants, runs, processes, threads, backend },
    hours: total("seconds") / processes / 3600,
    bytes: total("bytes"),
  };
}

interface Trying {
  readonly dataset: Dataset;
  readonly validation: { readonly share: number };
  readonly threads: number;
  readonly backend: TrainingBackend;
  readonly out: string;
}

async function planVariant(
  variant: Variant,
  recipe: Recipe,
  { dataset: data, validation, threads, backend, out }: Trying,
): Promise<PlannedVariant> {
  const { teachers = [], assistants = [], teacherViews } = variant;
  // Of those that teach some are yet to be trained: what they take is said apart.
  const isWaiting = [...teachers, ...assistants].some((given) => !("path" in given));
  const files = { teachers: teachers.filter(isFile), assistants: assistants.filter(isFile) };
  if (isWaiting) await checkTeachers(variant, recipe, networkOf(data, recipe));
  const forecast = await dryRun(isWaiting ? withoutTeachers(recipe) : recipe, {
    ...{ data, validation, threads, backend, out: join(out, "runs", variant.name) },
    ...(!isWaiting && { ...files, teacherViews }),
  });
  const { record } = forecast.stages.at(-1)!;
  return {
    recipe,
    fitted: { ...record.recipe, loss: recipe.loss, stages: recipe.stages },
    seconds: forecast.seconds,
    bytes: bytesOf(forecast),
    cost: costOf(networkOf(data, recipe)),
    notes: isWaiting ? ["without the time that its teachers take"] : [],
  };
}

const isFile = (given: StudyTeacher): given is TeacherChoice => "path" in given;

/** As far as it can be told before they are trained. */
async function checkTeachers(
  { teachers, assistants }: Variant,
  recipe: Recipe,
  network: Graph,
): Promise<void> {
  const choice = (given: StudyTeacher) => (isFile(given) ? given : { path: given.variant });
  const given = { teachers: teachers?.map(choice), assistants: assistants?.map(choice) };
  for (const { path } of [...(teachers ?? []), ...(assistants ?? [])].filter(isFile)) {
    if (!existsSync(path)) throw new UsageError(`${path}: there is no such file or run`);
  }
  await checkTeachersToCome(given, recipe, network);
}

const withoutTeachers = (recipe: Recipe): Recipe =>
  overrideRecipe(recipe, {
    loss: "cross-entropy",
    stages: recipe.stages.map(({ name, overrides }) => ({
      name,
      overrides: { ...overrides, loss: "cross-entropy" },
    })),
  });

/** The state, twice while it is written, the best network, log and page. */
function bytesOf({ stages }: DryRun): number {
  const log = 1e6;
  return stages.reduce((sum, { memory }) => sum + 3 * memory.state + log, 0);
}

/** For one image. */
function networkOf(dataset: Dataset, recipe: Recipe): Graph {
  const model = { name: recipe.model, ...recipe.switches };
  const { channels, size } = trainingPreprocess(dataset, recipe, model);
  const classes = dataset.classes.length;
  const record = recordOf(model, { classes, input: [channels, ...size], form: recipe.form });
  return buildNetwork(record, 1);
}

function costOf(network: Graph): VariantCost {
  const { parameters, binaryParameters, macs, binaryMacs, ops, bytes } = summarize(network);
  return { parameters, binaryParameters, macs, binaryMacs, ops, bytes: bytes.packed };
}
