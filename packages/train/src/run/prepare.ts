import { availableParallelism } from "node:os";
import { loadOnnxRuntime, onnxRuntimeVersion } from "@onebit/convert";
import { OnebitError, UsageError } from "onebit";
import { type Graph, sizeOf } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import { idleEpochs } from "../advice/index.js";
import {
  type Dataset,
  fingerprint,
  type HoldOut,
  holdOut,
  loadOwnAugmentation,
  preprocessFor,
  repeatedPictures,
} from "../data/index.js";
import { compileEvaluation, compileTraining } from "../engine/plan.js";
import type { CompiledGraph, EnginePlan } from "../engine/types.js";
import { askedOutputs, type Hooks, hooksOf } from "../hooks/index.js";
import { type Loss, lossName, lossOf } from "../losses/index.js";
import { momentNames, optimisersOf } from "../optimisers/index.js";
import { fitRecipe, type Recipe } from "../recipes/index.js";
import { checkBackend } from "../runtime/node.js";
import { providerOf } from "../runtime/providers.js";
import { type Schedules, schedulesOf } from "../schedules/index.js";
import { freeze, layoutOf } from "../state/index.js";
import type { Teachers, ViewOptions, Views } from "../teachers/index.js";
import { compileWatching } from "../watch/index.js";
import { temperatureThreshold } from "./binary.js";
import { checkOptimising, checkRecipe, type Division, divide } from "./check.js";
import { classNotes } from "./class-counts.js";
import { dataOfRun } from "./data-of-run.js";
import { checkClasses } from "./evaluate.js";
import { inputSize } from "./input-size.js";
import {
  buildNetwork,
  fixedInput,
  type ModelChoice,
  nameOf,
  recordOf,
  usualInput,
} from "./network.js";
import type { TrainOptions } from "./options.js";
import type { DataRecord, RunRecord } from "./run-folder.js";
import { type Usable, usablePictures } from "./skip-bad.js";
import { type Lesson, openTeachers } from "./teaching.js";
import { versions } from "./versions.js";

/** A training before its first step: everything checked, nothing written. */
export interface Setup {
  readonly recipe: Recipe;
  readonly dataset: Dataset;
  readonly preprocess: Preprocess;
  /** For one micro-batch. */
  readonly network: Graph;
  /** The same, some of whose tensors may be frozen. */
  readonly trained: Graph;
  readonly loss: Loss | string;
  /** What the optimiser keeps. */
  readonly moments: readonly string[];
  /** Temperature below which the weights are binary; undefined for networks without one. */
  readonly threshold: number | undefined;
  readonly division: Division;
  readonly schedules: Schedules;
  readonly hooks: Hooks;
  readonly plan: EnginePlan;
  readonly teachers: Teachers;
  /** Absent: every epoch has its own. */
  readonly views?: ViewOptions & { readonly kept: Views };
  /** Look at every layer so often; absent: never. */
  readonly observe?: TrainOptions["observe"];
  readonly evaluationBatch: number;
  readonly seed: number;
  readonly record: RunRecord;
  readonly notes: readonly string[];
}

/** Where a training stands among others. */
export interface Place extends Pick<Lesson, "measured" | "earlier"> {
  /** The whole recipe that this one is a stage of, and the stage's name. */
  readonly stage?: RunRecord["stage"];
}

/**
 * Everything of a training before its first step: data, network, schedules, teachers, and the plan that an engine
 * is started with. Writes nothing. Who calls it disposes of the teachers.
 *
 * UsageError or OnebitError, with what to do, for all that `train` would refuse.
 */
export async function prepare(
  given: Recipe,
  options: TrainOptions,
  { stage, measured, earlier }: Place = {},
): Promise<Setup> {
  const { seed = 0, threads = availableParallelism(), evaluationBatch = 100, observe } = options;
  const { backend = "cpu", estimators } = options;
  const { target, replicas } = providerOf(backend);
  checkCount("seed", seed, 0);
  checkCount("threads", threads, 1);
  if (options.moments !== undefined && options.init === undefined) {
    throw new UsageError("--moments is of no use without --init, the weights that they belong to");
  }
  if (observe) checkCount("observe.every", observe.every, 1);
  const onnxRuntime = onnxRuntimeVersion(await loadOnnxRuntime("training"));
  await checkBackend(backend);
  const opened = await dataOfRun(options);
  const { skipBad = false, dataWorkers: workers, signal } = options;
  const usable = await usablePictures(opened, skipBad, { workers, signal });
  const { notes } = usable;
  const validation = validationOf(options);
  const dataset = validation ? holdOut(usable.dataset, validation) : usable.dataset;
  const classesNotes = [...classNotes(dataset), ...(await repeatedPictures(usable.dataset))];
  const loss = options.loss ?? (await lossOf(given.loss));
  const { recipe, notes: fitted } = fitRecipe(
    { ...given, ...(options.loss && { loss: lossName(options.loss) }) },
    dataset.train.length,
  );
  const division = divide(recipe, dataset.train.length);
  const model = options.model ?? { name: recipe.model, ...recipe.switches };
  const preprocess = trainingPreprocess(dataset, recipe, model);
  const { channels, size } = preprocess;
  const input = [channels, ...size] as [number, number, number];
  const classes = dataset.classes.length;
  const modelRecord = recordOf(model, { classes, input, form: recipe.form });
  const network = buildNetwork(modelRecord, division.microBatch);
  const threshold = temperatureThreshold(network);
  checkRecipe(recipe, division.stepsPerEpoch, threshold);
  const optimising = await optimisersOf(recipe.optimiser);
  const moments = momentNames(optimising);
  // The threads that use it load it for themselves; a faulty one is refused before anything is written.
  await loadOwnAugmentation(recipe.augment);
  const hooks = await hooksOf(recipe, options);
  const wished = viewsOf(options);
  const data = await recordOfData(usable, dataset, validation);
  const { teachers, ...taught } = await openTeachers(options, {
    ...{ recipe, loss, network, dataset, data, threads, measured, earlier, stage: stage?.name },
  });
  try {
    const inputs = teachers.inputs(division.microBatch);
    const trained = freeze(network, recipe.optimiser.freeze ?? []);
    const graph = compileTraining(trained, { loss, inputs, estimators, target });
    checkClasses(graph.classes, dataset);
    const outputs = askedOutputs(hooks.metrics, network);
    checkTargets(hooks, recipe, graph);
    const schedules = await schedulesOf(recipe, {
      ...{ inputs: graph.scalars, threshold, own: options.schedules },
      ...{ stepsPerEpoch: division.stepsPerEpoch, epochs: recipe.epochs },
    });
    if (!taught.all) teachers.checkAsked(recipe.loss, graph.inputs);
    if (wished) teachers.checkKeepable(graph.inputs);
    const viewing = { dataset, preprocess, augment: recipe.augment, seed };
    const views =
      wished && teachers.all.length
        ? { ...wished, kept: await teachers.findViews(wished, viewing) }
        : undefined;
    const evaluated = Math.min(evaluationBatch, dataset.test.length);
    const layout = layoutOf(trained, new Set(graph.gradients), recipe.optimiser);
    if (!layout.trained) {
      throw new OnebitError(
        `${network.name}: has no parameter that the loss "${recipe.loss}" depends on: nothing would be trained`,
      );
    }
    checkOptimising(optimising, network, layout);
    const { clip, averageDecay, optimiser } = recipe;
    const watch = observe && compileWatching(trained, { estimators, target });
    return {
      ...{ recipe, dataset, preprocess, network, trained, loss, moments, threshold },
      ...{ division, schedules, hooks, teachers, views, seed, observe },
      plan: {
        layout,
        training: { graph, optimiser, clip, averageDecay, watch },
        evaluation: compileEvaluation(network, evaluated, { target, outputs }),
        ...{ threads, backend },
        replicas: replicas ? Math.min(threads, division.microBatchesPerStep) : 1,
      },
      evaluationBatch: evaluated,
      record: {
        format: 1,
        recipe,
        ...(stage && { stage }),
        model: modelRecord,
        data,
        preprocess,
        seed,
        init: typeof options.init === "string" ? options.init : null,
        ...(options.moments !== undefined && { moments: options.moments }),
        ...(teachers.records.length && { teachers: teachers.records }),
        ...(taught.all && { allTeachers: taught.all }),
        ...(wished && { teacherViews: wished.count, teacherCache: wished.folder }),
        observe,
        ...(options.tensorboard !== undefined && { tensorboard: options.tensorboard }),
        ...{ threads, backend },
        versions: versions(onnxRuntime),
        revision: options.revision ?? null,
        started: new Date().toISOString(),
        result: null,
      },
      notes: [
        ...notes,
        ...classesNotes,
        ...colourNote(dataset, preprocess),
        ...fitted,
        ...droppedNote(division, recipe, dataset),
        ...idleEpochs({
          rate: schedules.learningRate,
          epochs: recipe.epochs,
          stepsPerEpoch: division.stepsPerEpoch,
        }),
        ...taught.notes,
        ...teachers.notes,
        ...(views?.kept.notes ?? []),
      ],
    };
  } catch (error) {
    await teachers.dispose();
    throw error;
  }
}

function checkTargets({ targets }: Hooks, { loss }: Recipe, { inputs }: CompiledGraph): void {
  if (!targets || inputs.some(({ name }) => name === "target")) return;
  throw new UsageError(`the loss "${loss}" does not look at targets: yours would be of no use`);
}

async function recordOfData(
  usable: Usable,
  used: Dataset,
  validation: Required<HoldOut> | undefined,
): Promise<DataRecord> {
  const { dataset, skipped } = usable;
  return {
    spec: used.spec,
    name: used.name,
    classes: used.classes,
    trainImages: used.train.length,
    testImages: dataset.test.length,
    ...(validation && { validation: { ...validation, images: used.test.length } }),
    fingerprint: await fingerprint(dataset),
    ...(skipped.length && { skipped }),
  };
}

function validationOf({ validation }: TrainOptions): Required<HoldOut> | undefined {
  if (validation === undefined) return undefined;
  const choice = typeof validation === "number" ? { share: validation } : validation;
  return { seed: 0, ...choice };
}

function viewsOf({ teachers, assistants, ...options }: TrainOptions): ViewOptions | undefined {
  const { teacherViews: count, teacherCache: folder } = options;
  if (count === undefined || folder === undefined) {
    if (folder === undefined) return undefined;
    throw new UsageError("--teacher-cache is of no use without --teacher-views");
  }
  checkCount("teacherViews", count, 1);
  if (!teachers?.length && !assistants?.length) {
    throw new UsageError("--teacher-views is of no use without --teacher or --assistant");
  }
  return { count, folder };
}

/** Trained elements of all parameters, and those of binary ones. */
export function countParameters(network: Graph): { parameters: number; binary: number } {
  const specs = Object.values(network.tensors).filter(({ kind }) => kind === "parameter");
  const count = (list: typeof specs) => list.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { parameters: count(specs), binary: count(specs.filter(({ role }) => role === "binary")) };
}

/**
 * How images are prepared for a training: as the model says, else the data, else (photographs) as large
 * as is usual for the model.
 */
export function trainingPreprocess(
  dataset: Dataset,
  recipe: Recipe,
  model: ModelChoice = { name: recipe.model, ...recipe.switches },
): Preprocess {
  const fixed = fixedInput(model);
  const { crop, interpolation } = recipe.evaluation ?? {};
  const how = { crop: crop ?? undefined, interpolation };
  if (!fixed) {
    const [, height, width] = usualInput(model);
    const side = nameOf(model) === recipe.model ? recipe.side : null;
    const usual = [side ?? height, side ?? width] as const;
    const pictures = cropped(dataset, crop, usual);
    return preprocessFor(pictures, { ...how, size: inputSize(pictures, usual) });
  }
  const [channels, height, width] = fixed;
  if (channels !== 1 && channels !== 3) {
    throw new UsageError(`the network takes ${channels} channels; images have 1 or 3`);
  }
  const size: [number, number] = [height, width];
  return preprocessFor(cropped(dataset, crop, size), { ...how, channels, size });
}

/** Pictures of a folder are cropped by a recipe that says so, also where all of them are equally large. */
function cropped(
  dataset: Dataset,
  crop: number | null | undefined,
  seen: readonly [number, number],
): Dataset {
  const { size, side } = dataset;
  const isLarger = size && size[0] > seen[0] && size[1] > seen[1];
  return crop && side !== undefined && isLarger ? { ...dataset, size: undefined } : dataset;
}

function droppedNote({ dropped }: Division, { batch }: Recipe, { train }: Dataset): string[] {
  if (!dropped) return [];
  return [
    `each epoch leaves out ${dropped} of ${train.length} training images, others every time: they do not fill a batch of ${batch}`,
  ];
}

function colourNote({ channels }: Dataset, preprocess: Preprocess): string[] {
  if (channels === 1 || preprocess.channels === 3) return [];
  return ["the images are in colour, the network takes grey: they become grey"];
}

function checkCount(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new UsageError(`${name} is ${value}, must be a whole number from ${least} on`);
}
