import { OnebitError } from "onebit";
import { predictTrainingMemory, type TrainingMemory } from "onebit/cost";
import { quantile } from "../bench/quantile.js";
import { type Loader, openLoader } from "../data/index.js";
import { createEngine } from "../engine/node.js";
import { trainingGraph } from "../engine/plan.js";
import { startEngine } from "../engine/start.js";
import type { Engine } from "../engine/types.js";
import { ownModules } from "../own/index.js";
import { type Recipe, resolveRecipe } from "../recipes/index.js";
import type { Teacher } from "../teachers/index.js";
import { type Answering, settingsAt, trainEpoch, type Waiting } from "./epoch.js";
import type { TrainOptions } from "./options.js";
import { prepare, type Setup } from "./prepare.js";
import { RunFolder, type RunRecord } from "./run-folder.js";
import { stagesOf } from "./stages.js";
import { checkStagesTeachers } from "./teaching.js";
import { beginning, cacheOf } from "./train.js";

/** What a training would be, and how long it would take here. */
export interface DryRun {
  /** As it would be recorded, fitted to the data. */
  readonly recipe: Recipe;
  /** In the order in which they are trained; the last is the recipe itself. */
  readonly stages: readonly StageForecast[];
  /** Of all stages together. */
  readonly seconds: number;
  /** Most memory that this process has taken so far, in bytes: data, network, teachers, runtime. */
  readonly peakMemory: number;
  readonly notes: readonly string[];
}

/** One of the trainings that follow each other. */
export interface StageForecast {
  /** null: the last. */
  readonly name: string | null;
  readonly recipe: Recipe;
  /** What would be written to its run.json. */
  readonly record: RunRecord;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly microBatch: number;
  readonly replicas: number;
  /** Least bytes of one replica's step, and of the state of all. */
  readonly memory: TrainingMemory;
  /** Epochs taught by the same teachers; without assistants one. */
  readonly segments: readonly SegmentForecast[];
  readonly seconds: {
    /** All steps of all epochs. */
    readonly steps: number;
    /** The evaluations after the epochs, and the last one of a training that validates. */
    readonly evaluations: number;
    /** Before the first step: teachers tried on the test images. */
    readonly teachers: number;
    /** Before the first step: teachers asked about views that are not kept yet. */
    readonly views: number;
  };
}

/** Some epochs of a stage. */
export interface SegmentForecast {
  readonly firstEpoch: number;
  readonly epochs: number;
  /** Paths of those who teach. */
  readonly teachers: readonly string[];
  /** Steps that were taken here, waiting included. */
  readonly steps: readonly TimedStep[];
}

/** A step that was taken. */
export interface TimedStep {
  readonly milliseconds: number;
  readonly waiting: Waiting;
  readonly loss: number;
}

/** How much is tried. */
export interface DryRunOptions extends Omit<TrainOptions, "resume" | "onEvent"> {
  /** Timed steps of each segment, after one that is not counted. Default 3. */
  readonly steps?: number;
}

/**
 * Everything that `train` would do before its first step, then a few steps and two batches of the evaluation
 * of each stage: what it would train, and the time that all of it would take on this machine. Writes nothing:
 * neither the run's folder nor what teachers say of views.
 *
 * Teachers are opened and checked, and answer as in the training; how many test images they get right is not
 * measured. Throws what `train` would throw before its first step.
 *
 * ```ts
 * import { dryRun } from "@onebit/train";
 * import { openDataset } from "@onebit/train/data";
 *
 * const data = await openDataset("glyphs", { trainImages: 256, testImages: 64 });
 * const { seconds, stages } = await dryRun("plain", { data, out: "run", model: "linear" });
 * console.log(seconds > 0, stages.length);
 * ```
 */
export async function dryRun(recipe: Recipe | string, given: DryRunOptions): Promise<DryRun> {
  const whole = await ownModules(resolveRecipe(recipe));
  const options: TrainOptions = { ...given, teacherCache: cacheOf(given), resume: false };
  const notes = new Set(await placeNotes(options));
  const stages: StageForecast[] = [];
  /** Teachers that an earlier stage has measured. */
  const known = new Set<string>();
  let { skipBad } = options;
  for (const { name, recipe } of stagesOf(whole)) {
    // Later stages begin with what an earlier one has learned: as good as anything here.
    const init = stages.length ? undefined : options.init;
    const stage = name === null ? undefined : { name, of: whole };
    const how = { stage, measured: false };
    const setup = await prepare(recipe, { ...options, skipBad, init }, how);
    for (const note of setup.notes) notes.add(note);
    try {
      const how = { steps: given.steps ?? 3, known };
      const tried = await tryStage(setup, { ...options, init }, how);
      for (const { sha256 } of setup.teachers.all) known.add(sha256);
      for (const note of tried.notes) notes.add(note);
      stages.push({ name, ...tried.forecast });
    } finally {
      await setup.teachers.dispose();
    }
    skipBad = setup.record.data.skipped ?? false;
  }
  const asked = stages.flatMap(({ record }) => record.teachers ?? []);
  checkStagesTeachers(options, asked, stages);
  return {
    recipe: stages.at(-1)!.recipe,
    stages,
    seconds: sum(stages.map(({ seconds }) => total(seconds))),
    peakMemory: process.resourceUsage().maxRSS * 1024,
    notes: [...notes],
  };
}

const total = ({ steps, evaluations, teachers, views }: StageForecast["seconds"]) =>
  steps + evaluations + teachers + views;

/** A folder where the run could not begin does not keep one from asking what it would be. */
async function placeNotes(options: TrainOptions): Promise<string[]> {
  try {
    await new RunFolder(options.out).checkPlace(options);
    return [];
  } catch (error) {
    if (error instanceof OnebitError) return [error.message];
    throw error;
  }
}

async function tryStage(
  setup: Setup,
  options: TrainOptions,
  { steps, known }: { readonly steps: number; readonly known: ReadonlySet<string> },
): Promise<{ forecast: Omit<StageForecast, "name">; notes: readonly string[] }> {
  const { recipe, record, division, plan, dataset, teachers, views } = setup;
  const { worker = true, dataWorkers, signal } = options;
  const { snapshot, notes } = await beginning(setup, options);
  const engine = await (worker ? startEngine : createEngine)(plan, snapshot.values);
  const loader = openLoader(dataset, { workers: dataWorkers, keep: true });
  try {
    const each = await answerSeconds(setup, loader);
    const perImage = (teacher: Teacher) => each.get(teacher)!;
    const segments: SegmentForecast[] = [];
    for (const segment of segmentsOf(setup)) {
      const stepped = await timedSteps(setup, { engine, loader, signal }, segment, steps);
      segments.push({ ...segment, steps: stepped });
    }
    const { stepsPerEpoch } = division;
    const perTestImage = await evaluationSeconds(setup, engine, loader);
    const { test, finalTest } = dataset;
    const evaluated = recipe.epochs * test.length + (finalTest?.length ?? 0);
    const forecast = {
      ...{ recipe, record, segments, stepsPerEpoch },
      ...{ epochs: recipe.epochs, microBatch: division.microBatch, replicas: plan.replicas ?? 1 },
      memory: memoryOf(setup, options),
      seconds: {
        steps: sum(
          segments.map(({ epochs, steps }) => (epochs * stepsPerEpoch * middle(steps)) / 1000),
        ),
        evaluations: evaluated * perTestImage,
        teachers: sum(
          teachers.all
            .filter(({ sha256 }) => !known.has(sha256))
            .map((one) => dataset.test.length * perImage(one)),
        ),
        views: sum(
          (views?.kept.missing ?? []).map(
            ({ teacher }) => dataset.train.length * perImage(teacher),
          ),
        ),
      },
    };
    return { forecast, notes };
  } finally {
    await engine.dispose();
    await loader.close();
  }
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

const middle = (steps: readonly TimedStep[]) =>
  quantile(
    steps.map(({ milliseconds }) => milliseconds),
    0.5,
  );

/** Epochs with the same teachers; where views are kept, none of them is asked. */
function segmentsOf({ recipe, teachers, views }: Setup): Omit<SegmentForecast, "steps">[] {
  const segments: { firstEpoch: number; epochs: number; teachers: string[] }[] = [];
  for (let epoch = 0; epoch < recipe.epochs; epoch++) {
    const paths = teachers.at(epoch).map(({ path }) => path);
    const last = segments.at(-1);
    if (last && (views || last.teachers.join() === paths.join())) last.epochs++;
    else segments.push({ firstEpoch: epoch + 1, epochs: 1, teachers: paths });
  }
  return segments;
}

/** Seconds that each teacher takes for an image, asked alone, without what it answers first. */
async function answerSeconds(
  { teachers, division, preprocess }: Setup,
  loader: Loader,
): Promise<Map<Teacher, number>> {
  const seconds = new Map<Teacher, number>();
  if (!teachers.all.length) return seconds;
  const stream = loader.batches({ split: "train", batch: division.microBatch, preprocess });
  for await (const { images } of stream) {
    for (const teacher of teachers.all) {
      const ask = () => teacher.answer(images, preprocess, ["logits"]);
      await ask();
      const started = performance.now();
      await ask();
      seconds.set(teacher, (performance.now() - started) / 1000 / division.microBatch);
    }
    break;
  }
  return seconds;
}

/** Ends an epoch that has taken as many steps as are wanted. */
class Enough extends Error {}

async function timedSteps(
  setup: Setup,
  where: {
    readonly engine: Engine;
    readonly loader: Loader;
    readonly signal?: TrainOptions["signal"];
  },
  { firstEpoch }: { readonly firstEpoch: number },
  count: number,
): Promise<TimedStep[]> {
  const steps: TimedStep[] = [];
  const teachers = setup.views ? keptAnswers(setup) : setup.teachers;
  const wanted = Math.min(count, setup.division.stepsPerEpoch - 1) || 1;
  try {
    await trainEpoch({
      ...{ setup: { ...setup, teachers }, ...where, epoch: firstEpoch - 1 },
      onStep: async ({ milliseconds, waiting, result }) => {
        steps.push({ milliseconds, waiting, loss: result.loss });
        if (steps.length > wanted) throw new Enough();
      },
    });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  // Of the first, much is done once only.
  return steps.length > 1 ? steps.slice(1) : steps;
}

/** As long as an answer is that is read from what was kept. */
function keptAnswers({ plan, teachers }: Setup): Answering {
  const asked = plan.training!.graph.inputs;
  return {
    answer: async (epoch) => {
      const values = asked
        .filter(({ name }) => name !== "target")
        .map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1))]);
      return teachers.at(epoch).length ? Object.fromEntries(values) : {};
    },
  };
}

/** For each image of an evaluation, from the third batch. */
async function evaluationSeconds(setup: Setup, engine: Engine, loader: Loader): Promise<number> {
  const { preprocess, evaluationBatch } = setup;
  const { scalars } = settingsAt(setup, 0);
  const stream = loader.batches({ split: "test", batch: evaluationBatch, preprocess });
  let clock = performance.now();
  const times: number[] = [];
  for await (const { images, count } of stream) {
    await engine.evaluate({ images, count, scalars });
    times.push((performance.now() - clock) / count);
    clock = performance.now();
    if (times.length === 3) break;
  }
  return times.at(-1)! / 1000;
}

function memoryOf(
  { trained, loss, moments, plan, recipe, teachers, division }: Setup,
  options: TrainOptions,
): TrainingMemory {
  const { estimators } = options;
  const inputs = teachers.inputs(division.microBatch);
  const graph = trainingGraph(trained, { loss, inputs, estimators });
  const { averageDecay } = recipe;
  const stateCopies = 1 + moments.length + (averageDecay === null ? 0 : 1);
  const { values, state, peak } = predictTrainingMemory(graph, { stateCopies });
  return { values, state, peak, total: values * (plan.replicas ?? 1) + state };
}
