import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  architectureOf,
  type ModelChoice,
  type NamedModel,
  overrideRecipe,
  parseOverrides,
  type RateRule,
  type Recipe,
  type RecordedRun,
  recordedRun,
  resolveRecipe,
  type TeacherOptions,
  type TrainingBackend,
  type TrainOptions,
} from "@onebit/train";
import { DATA_SPEC } from "@onebit/train/data";
import { UsageError } from "onebit";
import { formsOf } from "onebit/models";
import { shellWord } from "onebit/words";
import { type ArchitectureFlags, architectureOptions } from "../flags/architecture.js";
import { teacherChoice } from "./teacher-choice.js";

/** What the command line says of a training; of one that goes on, what it repeats. */
export interface TrainingFlags extends ArchitectureFlags {
  readonly data?: string;
  readonly model?: string;
  readonly init?: string;
  readonly moments?: string;
  readonly teacher?: readonly string[];
  readonly assistant?: readonly string[];
  readonly teacherViews?: number;
  readonly teacherCache?: string;
  readonly out?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly skipBad?: boolean;
  readonly validation?: number;
  readonly seed?: number;
  readonly threads?: number;
  readonly backend?: TrainingBackend;
  readonly epochs?: number;
  readonly batch?: number;
  readonly freeze?: readonly string[];
  readonly rate?: readonly RateRule[];
  readonly set?: readonly string[];
  readonly observe?: number;
  readonly tensorboard?: string;
}

export interface TrainingRequest {
  readonly recipe: Recipe;
  readonly options: TrainOptions;
}

export async function trainingRequest(
  name: string | undefined,
  flags: TrainingFlags,
): Promise<TrainingRequest> {
  return flags.resume ? goingOn(name, flags) : beginning(name, flags);
}

async function beginning(name: string | undefined, flags: TrainingFlags): Promise<TrainingRequest> {
  const { data, out, init, moments, overwrite, skipBad, validation, seed, threads, backend } =
    flags;
  const { teacherViews, teacherCache } = flags;
  if (data === undefined) {
    throw new UsageError(`--data is missing: ${DATA_SPEC}`);
  }
  const usual = resolveRecipe(name ?? usualRecipe(data));
  const start = await startOf(flags);
  const recipe = overridden(usual, start ? { model: start.name, ...flags } : flags);
  const { model, switches } = recipe;
  return {
    recipe,
    options: {
      model: changedModel(start ?? { name: model, ...switches }, flags),
      ...{
        data,
        out: out ?? `runs/${recipe.name}`,
        init,
        moments,
        overwrite,
        skipBad,
        validation,
        seed,
        threads,
        backend,
      },
      ...{ ...(await teachersOf(flags)), teacherViews, teacherCache },
      ...watchingOf(flags),
    },
  };
}

/** What is trained where weights say what they are of, and no other architecture is named. */
async function startOf({ init, model }: TrainingFlags): Promise<NamedModel | undefined> {
  return init === undefined || model !== undefined ? undefined : architectureOf(init);
}

/** Small folders of photographs want other values than what has thousands of small pictures. */
function usualRecipe(data: string): string {
  return data.startsWith("folder:") ? "photographs" : "plain";
}

/**
 * Everything is as the run was begun. What flags repeat must be the same, which `train` sees to, naming
 * both values; only `--threads` and `--backend` may differ.
 */
async function goingOn(name: string | undefined, flags: TrainingFlags): Promise<TrainingRequest> {
  if (name !== undefined && existsSync(join(name, "run.json"))) {
    throw new UsageError(
      `${name}: is a run, and the name of a recipe is wanted there: --resume --out ${shellWord(name)}`,
    );
  }
  const out = flags.out ?? usualFolder(name, flags);
  const run = await recordedRun(out);
  refuseOtherStart(out, run, flags);
  const isOther = name !== undefined && name !== run.recipe.name;
  const recipe = overridden(isOther ? resolveRecipe(name) : run.recipe, flags);
  const {
    data = run.data,
    validation = run.validation,
    seed = run.seed,
    threads = run.threads,
    backend = run.backend,
    skipBad,
  } = flags;
  const model = "nodes" in run.model ? run.model : changedModel(run.model, flags);
  const { teachers = run.teachers, assistants = run.assistants } = await teachersOf(flags);
  const { teacherViews = run.teacherViews, teacherCache } = flags;
  const learning = { teachers, assistants, teacherViews, teacherCache };
  return {
    recipe,
    options: {
      ...{
        model,
        data,
        out,
        skipBad,
        validation,
        seed,
        threads,
        backend,
        ...learning,
        resume: true,
      },
      ...watchingOf(flags, run),
    },
  };
}

function watchingOf(
  { observe, tensorboard }: TrainingFlags,
  before?: RecordedRun,
): Pick<TrainOptions, "observe" | "tensorboard"> {
  return {
    observe: observe === undefined ? before?.observe : { every: observe },
    tensorboard: tensorboard ?? before?.tensorboard,
  };
}

async function teachersOf({ teacher, assistant }: TrainingFlags): Promise<TeacherOptions> {
  const choices = (texts: readonly string[] | undefined, flag: string) =>
    texts && Promise.all(texts.map((text) => teacherChoice(text, flag)));
  return {
    teachers: await choices(teacher, "--teacher"),
    assistants: await choices(assistant, "--assistant"),
  };
}

function usualFolder(name: string | undefined, { data }: TrainingFlags): string {
  if (name !== undefined) return `runs/${name}`;
  if (data !== undefined) return `runs/${usualRecipe(data)}`;
  throw new UsageError(
    "--resume: say which run is to go on: --out DIR, the folder that it lies in",
  );
}

function refuseOtherStart(out: string, run: RecordedRun, { init }: TrainingFlags): void {
  if (init === undefined || init === run.init) return;
  const before = run.init === null ? "random weights" : run.init;
  throw new UsageError(
    `--init ${init}: the run in ${out} began with ${before}. Leave it out to go on, or start a new run`,
  );
}

function overridden(usual: Recipe, flags: TrainingFlags): Recipe {
  const { freeze, rate } = flags;
  const short = [
    ...(freeze === undefined ? [] : [`optimiser.freeze=${JSON.stringify(freeze)}`]),
    ...(rate === undefined ? [] : [`optimiser.rates=${JSON.stringify(rate)}`]),
    ...(flags.epochs === undefined ? [] : [`epochs=${flags.epochs}`]),
    ...(flags.batch === undefined ? [] : batchOverrides(flags.batch, usual)),
    ...formOverrides(flags, usual),
  ];
  return overrideRecipe(usual, parseOverrides([...short, ...(flags.set ?? [])]));
}

/** A network that is all floats is trained as such unless another form is asked for. */
function formOverrides({ form, model }: TrainingFlags, usual: Recipe): string[] {
  if (form !== undefined) return [`form=${form}`];
  const forms = formsOf(model ?? usual.model);
  return forms.includes(usual.form) ? [] : [`form=${forms[0]}`];
}

/** A batch that the recipe's micro-batches do not fill is computed at once. */
function batchOverrides(batch: number, { microBatch }: Recipe): string[] {
  const fits = microBatch === null || batch % microBatch === 0;
  return fits ? [`batch=${batch}`] : [`batch=${batch}`, "microBatch=null"];
}

/** Another architecture than the usual one has nothing of its switches. */
function changedModel(usual: NamedModel, flags: TrainingFlags): ModelChoice {
  const { form: _, ...own } = architectureOptions(flags);
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  const base = flags.model === undefined ? usual : { name: flags.model };
  return { ...base, ...Object.fromEntries(given) };
}
