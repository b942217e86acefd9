import { dirname, join } from "node:path";
import { OnebitError, type SignalLike } from "onebit";
import type { Graph } from "onebit/graph";
import { counted } from "onebit/words";
import { type Dataset, type Loader, openLoader } from "../data/index.js";
import { createEngine } from "../engine/node.js";
import { startEngine } from "../engine/start.js";
import { tellCallbacks } from "../hooks/index.js";
import { ownModules } from "../own/index.js";
import { type Recipe, resolveRecipe } from "../recipes/index.js";
import { flatten, initialTensors } from "../state/index.js";
import { givenTeachers } from "../teachers/index.js";
import { Board, checkBoard } from "../tensorboard/index.js";
import { type Checkpoint, loadCheckpoint } from "./checkpoint.js";
import { evaluateFloat } from "./evaluate.js";
import type { StartEvent, TrainEvent } from "./events.js";
import { loadFloatModel, loadStart, type Tensors } from "./float-model.js";
import { type Initialised, initialiseFrom } from "./init-from.js";
import { TrainingLoop, weightsOf } from "./loop.js";
import { loadMoments } from "./moments.js";
import type { TrainOptions, TrainResult } from "./options.js";
import { countParameters, type Place, prepare, type Setup } from "./prepare.js";
import { RunFolder, type RunRecord, refuseOtherTeachers } from "./run-folder.js";
import type { Accuracy } from "./scores.js";
import { type Stage, stagesOf } from "./stages.js";
import { checkStagesTeachers } from "./teaching.js";

/**
 * Trains a network: every epoch over the shuffled and augmented training images, then an
 * evaluation on the test images. Everything lands in the folder `out` (see RunFolder); earlier
 * stages of a recipe in folders inside it.
 *
 * Same recipe, data, seed, machine and thread count: the same result. A resumed run ends with the
 * same weights as an uninterrupted one.
 *
 * recipe: a Recipe or the name of one. Throws UsageError for what cannot work, before anything is
 * written, and OnebitError where the training fails; the last checkpoint is then on disk.
 */
export async function train(recipe: Recipe | string, given: TrainOptions): Promise<TrainResult> {
  const whole = await ownModules(resolveRecipe(recipe));
  const options = { ...given, teacherCache: cacheOf(given) };
  const { out, resume = false, overwrite = false, tensorboard } = options;
  const stages = stagesOf(whole);
  const isInLast = (await new RunFolder(out).exists()) && !overwrite;
  const earlier: RunRecord[] = [];
  let { init, moments, skipBad } = options;
  for (const [i, { name, recipe }] of stages.entries()) {
    if (name === null) break;
    const folder = new RunFolder(join(out, name));
    const begun = await folder.exists();
    if (isInLast && !begun) continue;
    const finished = isInLast || (resume && begun && (await folder.read()).result !== null);
    if (!finished) {
      const going = resume && (begun || i === 0);
      const isFirst = i === 0 && !going;
      await trainRun(
        recipe,
        {
          ...options,
          out: folder.path,
          tensorboard: tensorboard && join(tensorboard, name),
          ...{ init, moments, skipBad, resume: going },
        },
        {
          ...{ stage: { name, of: whole }, earlier },
          before: isFirst ? (setup) => checkAll(setup, stages, options) : undefined,
        },
      );
    }
    const record = await folder.read();
    earlier.push(record);
    skipBad = record.data.skipped ?? false;
    // As published: the next stage goes on from the last epoch, not from the best.
    init = folder.checkpoint;
    moments = undefined;
  }
  if (isInLast) return trainRun(whole, options, { earlier });
  const last = { ...options, init, moments, skipBad, resume: resume && !whole.stages.length };
  return trainRun(whole, last, { earlier });
}

/** What later stages would refuse is refused before the first; what is overwritten belongs to none of them. */
async function checkAll(
  first: Setup,
  stages: readonly Stage[],
  options: TrainOptions,
): Promise<void> {
  const [{ recipe: whole }] = stages.slice(-1);
  const asked = [...first.teachers.records];
  const skipBad = first.record.data.skipped ?? false;
  for (const { name, recipe } of stages.slice(1)) {
    const stage = name === null ? undefined : { name, of: whole };
    const how = { stage, measured: false };
    const { teachers } = await prepare(recipe, { ...options, skipBad }, how);
    asked.push(...teachers.records);
    await teachers.dispose();
    const { tensorboard, overwrite } = options;
    if (tensorboard) await checkBoard(join(tensorboard, name ?? ""), { overwrite });
  }
  checkStagesTeachers(options, asked, stages);
  if (!options.overwrite) return;
  for (const { name } of stages) await new RunFolder(join(options.out, name ?? "")).forget();
}

/** Beside the whole run's folder, so that all its stages share what teachers said. */
export function cacheOf({
  teacherViews,
  teacherCache,
  out,
}: Pick<TrainOptions, "teacherViews" | "teacherCache" | "out">): string | undefined {
  if (teacherViews === undefined) return teacherCache;
  return teacherCache ?? join(dirname(out), "teacher-views");
}

interface Sequence extends Required<Pick<Place, "earlier">>, Pick<Place, "stage"> {
  /** Once all is checked, before anything is written. */
  readonly before?: (setup: Setup) => Promise<void>;
}

async function trainRun(
  recipe: Recipe,
  options: TrainOptions,
  { stage, earlier, before }: Sequence,
): Promise<TrainResult> {
  const { out, signal, tensorboard, overwrite } = options;
  if (signal?.aborted) throw new OnebitError("stopped before the training began");
  const folder = new RunFolder(out);
  const recorded = await folder.checkPlace(options);
  // Before they are opened: what is wrong with them would lead nowhere.
  if (recorded && options.resume) {
    refuseOtherTeachers(out, recorded, await givenTeachers(options));
  }
  if (tensorboard) await checkBoard(tensorboard, { own: recorded?.started, overwrite });
  const skipBad = recorded?.data.skipped ?? options.skipBad;
  const known = recorded ? [recorded, ...earlier] : earlier;
  const setup = await prepare(recipe, { ...options, skipBad }, { stage, earlier: known });
  try {
    await before?.(setup);
    const fresh = options.resume ? undefined : await beginning(setup, options);
    await folder.begin(setup.record, options);
    try {
      return await trainIn(folder, setup, options, fresh, stage?.name);
    } finally {
      await folder.end();
    }
  } finally {
    await setup.teachers.dispose();
  }
}

/** fresh: what a new run begins with; undefined for one that goes on. */
async function trainIn(
  folder: RunFolder,
  setup: Setup,
  {
    out,
    onEvent: emit = () => {},
    signal,
    worker = true,
    dataWorkers,
    tensorboard,
    overwrite,
  }: TrainOptions,
  fresh: Beginning | undefined,
  stage: string | undefined,
): Promise<TrainResult> {
  const from = fresh ?? (await resumed(setup, folder));
  const { epochs: done } = from.position;
  const { plan, dataset, network, hooks } = setup;
  const engine = await (worker ? startEngine : createEngine)(plan, from.snapshot.values);
  const view = {
    network: structuredClone(network),
    weights: () => weightsOf(setup, engine, "trained"),
  };
  const tell = async (event: TrainEvent) => {
    emit(event);
    await tellCallbacks(hooks.callbacks, event, view);
  };
  const loader = openLoader(dataset, { workers: dataWorkers, keep: true });
  try {
    // The values are there already; what else there is came with steps that were taken.
    if (from.snapshot.step > 0) await engine.restore(from.snapshot);
    await tell(startEvent(setup, out, done, stage));
    for (const message of dataset.notes) await tell({ event: "note", message });
    for (const message of [...setup.notes, ...from.notes])
      await tell({ event: "warning", message });
    await keepViews(setup, loader, { emit, signal });
    const past = fresh ? [] : await folder.rewind(done);
    const { started } = await folder.read();
    const steps = done * setup.division.stepsPerEpoch;
    const board = tensorboard
      ? await Board.open(tensorboard, { started, steps, past, overwrite })
      : undefined;
    const loop = new TrainingLoop({
      ...{ setup, engine, loader, folder, board, done, past, tell, signal },
      ...{ best: from.position.best, seconds: from.position.seconds },
    });
    // So that there is something to go on from at any time.
    if (fresh) await loop.save(0);
    await loop.run();
    const isLast = stage === undefined;
    const test = isLast
      ? await finalTest(setup, folder, { dataWorkers, worker, signal })
      : undefined;
    const result = resultOf(setup, folder, loop, test);
    const { epochs, best, seconds, imagesPerSecond } = result;
    const summary = { epochs, best, ...(test && { test }), seconds, imagesPerSecond };
    await folder.write({ ...(await folder.read()), result: summary });
    const { waiting } = result;
    await tell({ event: "done", ...summary, waiting, keep: setup.recipe.keep, out });
    return result;
  } finally {
    await engine.dispose();
    await loader.close();
  }
}

/** What teachers say of the views, where these are few, is asked before the first step. */
async function keepViews(
  setup: Setup,
  loader: Loader,
  { emit, signal }: { readonly emit: (event: TrainEvent) => void; readonly signal?: SignalLike },
): Promise<void> {
  const { views, teachers, division } = setup;
  if (!views) return;
  await teachers.keepViews(views.kept, views.count, {
    ...{ loader, batch: division.microBatch, signal },
    onProgress: ({ done, of }) => emit({ event: "views", done, of }),
  });
}

/** The state that a training begins with, and what is to be said of it. */
export interface Beginning extends Checkpoint {
  readonly notes: readonly string[];
}

/** Where a training begins: random tensors, or those of another one, with its moments where they are given. */
export async function beginning(
  { network, plan, seed, dataset, moments: names }: Setup,
  { init, moments }: Pick<TrainOptions, "init" | "moments">,
): Promise<Beginning> {
  const random = initialTensors(network, seed);
  const started =
    init === undefined ? undefined : await startedFrom(init, random, network, dataset);
  const { tensors = random, head: fresh = [], notes = [] } = started ?? {};
  const values = flatten(plan.layout, tensors);
  const kept =
    moments === undefined
      ? { moments: {}, step: 0, notes: [] }
      : await loadMoments(moments, { layout: plan.layout, names, fresh });
  return {
    snapshot: { values, moments: kept.moments, step: kept.step },
    position: { epochs: 0, best: null, seconds: 0 },
    notes: [...notes, ...kept.notes],
  };
}

async function startedFrom(
  init: NonNullable<TrainOptions["init"]>,
  random: Tensors,
  network: Graph,
  { classes }: Dataset,
): Promise<Initialised> {
  const start =
    typeof init === "string"
      ? await loadStart(init)
      : { tensors: init, source: "the given tensors" };
  return initialiseFrom(network, random, start, classes);
}

/** The state that the run left behind. */
async function resumed(
  { plan, recipe, record, moments }: Setup,
  folder: RunFolder,
): Promise<Beginning> {
  const { averageDecay } = recipe;
  const averaged = averageDecay !== null;
  const saved = await loadCheckpoint(folder.checkpoint, plan.layout, moments, averaged);
  return { ...saved, notes: otherPlace(await folder.read(), record) };
}

/** What may change about a run, and changes its bits. */
function otherPlace(before: RunRecord, now: RunRecord): string[] {
  const place = ({ threads, backend = "cpu" }: RunRecord) =>
    backend === "cpu" ? counted(threads, "thread") : backend;
  if (place(before) === place(now)) return [];
  return [
    `the run used ${place(before)} before, now ${place(now)}: it will not be bit for bit what it would have been`,
  ];
}

function startEvent(setup: Setup, out: string, done: number, stage?: string): StartEvent {
  const { recipe, network, dataset, division, plan, seed } = setup;
  const { parameters, binary } = countParameters(network);
  return {
    event: "start",
    recipe: recipe.name,
    stage,
    model: network.name,
    parameters,
    binaryParameters: binary,
    input: [setup.preprocess.channels, ...setup.preprocess.size],
    classes: dataset.classes.length,
    teachers: setup.teachers.records,
    trainImages: dataset.train.length,
    testImages: (dataset.finalTest ?? dataset.test).length,
    validationImages: dataset.finalTest && dataset.test.length,
    epochs: recipe.epochs,
    epochsDone: done,
    stepsPerEpoch: division.stepsPerEpoch,
    batch: recipe.batch,
    microBatch: division.microBatch,
    threads: plan.threads,
    seed,
    out,
  };
}

/** Where images were held back: how well the weights that are kept do on the test images, once and for all. */
async function finalTest(
  { dataset, network, preprocess, evaluationBatch, plan, hooks }: Setup,
  folder: RunFolder,
  how: Pick<TrainOptions, "dataWorkers" | "worker" | "signal">,
): Promise<Accuracy | undefined> {
  const { finalTest: test } = dataset;
  if (!test) return undefined;
  const { result } = await folder.read();
  if (result?.test) return result.test;
  const { tensors } = await loadFloatModel(folder.best);
  const { metrics: own } = hooks;
  const { images, top1, top5, loss, metrics } = await evaluateFloat(
    network,
    tensors,
    { ...dataset, test },
    {
      ...{ preprocess, batch: evaluationBatch, metrics: own, ...how },
      ...{ threads: plan.threads, backend: plan.backend },
    },
  );
  return { images, top1, top5, loss, ...(metrics && { metrics }) };
}

function resultOf(
  { recipe, dataset }: Setup,
  folder: RunFolder,
  loop: TrainingLoop,
  test: Accuracy | undefined,
): TrainResult {
  if (!loop.best) throw new OnebitError(`${folder.path}: no epoch ended with final weights`);
  return {
    epochs: recipe.epochs,
    best: loop.best,
    ...(test && { test }),
    history: loop.history,
    out: folder.path,
    dataset,
    bestModel: folder.best,
    seconds: loop.seconds,
    imagesPerSecond: loop.imagesPerSecond,
    waiting: loop.waiting,
  };
}
