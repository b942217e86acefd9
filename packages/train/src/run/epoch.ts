import { OnebitError, type SignalLike } from "onebit";
import { BadPictures, type Batch, type BatchStream, type Loader, mixRows } from "../data/index.js";
import type { Engine, MicroBatch, Scalars, StepResult } from "../engine/types.js";
import { targetRows } from "../hooks/index.js";
import { targetsFromLabels } from "../losses/index.js";
import { moduleName } from "../own/index.js";
import type { Recipe } from "../recipes/index.js";
import type { Position } from "../schedules/index.js";
import type { Teachers } from "../teachers/index.js";
import type { Setup } from "./prepare.js";

/** What a step is computed with. */
export interface StepSettings {
  readonly position: Position;
  readonly learningRate: number;
  /** Of all scalar inputs. */
  readonly scalars: Scalars;
}

export interface StepOutcome extends StepSettings {
  readonly result: StepResult;
  /** Since the step before, waiting included. */
  readonly milliseconds: number;
  readonly waiting: Waiting;
}

/** Milliseconds that the engine stood still because something had not come yet. */
export interface Waiting {
  readonly images: number;
  /** For teachers, once the images were there. */
  readonly teachers: number;
}

/** Teachers, or anything else that answers. */
export type Answering = Pick<Teachers, "answer">;

/** What steps need of a setup. */
type StepSetup = Omit<Setup, "teachers"> & { readonly teachers: Answering };

export interface EpochOptions {
  readonly setup: StepSetup;
  readonly engine: Engine;
  readonly loader: Loader;
  /** Counted from 0. */
  readonly epoch: number;
  readonly signal?: SignalLike;
  readonly onStep: (outcome: StepOutcome) => Promise<void>;
}

export interface EpochTotals {
  /** Means over the steps. */
  readonly loss: number;
  readonly flipRate: number;
  readonly gradientNorm: number;
  readonly top1: number;
  readonly images: number;
  readonly milliseconds: number;
  readonly waiting: Waiting;
  readonly last: StepSettings;
}

/**
 * All steps of an epoch. While the engine computes one step, the batches of the next are collected.
 * Ends with an error after a step whose loss is not finite, or when the signal says so.
 */
export async function trainEpoch(options: EpochOptions): Promise<EpochTotals> {
  const { setup, engine, loader, epoch, signal, onStep } = options;
  const { division, preprocess, recipe, seed } = setup;
  const { augment } = recipe;
  const stream = loader.batches({
    ...{ split: "train", batch: division.microBatch, preprocess, augment, seed, epoch },
    view: setup.views ? epoch % setup.views.count : epoch,
    skipBad: true,
  });
  const sums = { loss: 0, flipRate: 0, gradientNorm: 0, correct: 0, images: 0, milliseconds: 0 };
  const waited = { images: 0, teachers: 0 };
  let last = settingsAt(setup, epoch * division.stepsPerEpoch);
  let running:
    | {
        settings: StepSettings;
        given: readonly MicroBatch[];
        result: Promise<StepResult>;
        waiting: Waiting;
      }
    | undefined;
  let clock = performance.now();
  /** Since when the engine has had nothing to do; while it works, a time to come. */
  let idle = clock;

  const finish = async (): Promise<void> => {
    if (!running) return;
    const { settings, waiting, given } = running;
    const result = await running.result;
    running = undefined;
    for (const images of result.recycled) stream.recycle({ images });
    if (!result.finite) throw notFinite(setup, settings, { ...result, given });
    const milliseconds = performance.now() - clock;
    clock += milliseconds;
    sums.loss += result.loss;
    sums.flipRate += result.flipRate;
    sums.gradientNorm += result.gradientNorm;
    sums.correct += result.correct;
    sums.images += result.images;
    sums.milliseconds += milliseconds;
    waited.images += waiting.images;
    waited.teachers += waiting.teachers;
    last = settings;
    await onStep({ ...settings, result, milliseconds, waiting });
  };

  let step = epoch * division.stepsPerEpoch;
  for await (const { group, came } of taught(groups(stream, division), options)) {
    const waiting = {
      images: Math.max(0, came - idle),
      teachers: Math.max(0, performance.now() - Math.max(came, idle)),
    };
    await finish();
    if (signal?.aborted) throw new Interrupted();
    const settings = settingsAt(setup, step++);
    const given = group.map((batch) => microBatch(batch, setup, epoch));
    const result = engine.step({
      microBatches: given,
      learningRate: settings.learningRate,
      scalars: settings.scalars,
      observe: isObserved(setup, settings),
    });
    idle = Number.POSITIVE_INFINITY;
    const done = () => {
      idle = performance.now();
    };
    // It is awaited in its turn; should something else fail first, nobody else will.
    result.then(done, done);
    running = { settings, given, result, waiting };
  }
  await finish();
  if (signal?.aborted) throw new Interrupted();
  const steps = division.stepsPerEpoch;
  return {
    loss: sums.loss / steps,
    flipRate: sums.flipRate / steps,
    gradientNorm: sums.gradientNorm / steps,
    top1: sums.correct / sums.images,
    images: sums.images,
    milliseconds: sums.milliseconds,
    waiting: waited,
    last,
  };
}

/** Thrown inside; the loop turns it into a message that says how to go on. */
export class Interrupted extends Error {}

/** Targets of mixed images are mixed alike. */
function microBatch(batch: TaughtBatch, { dataset, hooks }: StepSetup, epoch: number): MicroBatch {
  const { images, labels, mixed, inputs } = batch;
  const { targets } = hooks;
  if (!mixed && !targets) return { images, labels, inputs };
  const { classes, train: split } = dataset;
  const rows = targets
    ? targetRows(targets, batch, { epoch, classes, split })
    : targetsFromLabels(labels, classes.length);
  return { images, labels, inputs: { ...inputs, target: mixed ? mixRows(rows, mixed) : rows } };
}

/** What a step is computed with, counted from 0. */
export function settingsAt({ recipe, division, schedules }: StepSetup, step: number): StepSettings {
  const { stepsPerEpoch } = division;
  const position = { step, stepsPerEpoch, epochs: recipe.epochs };
  const scalars = Object.entries(schedules.scalars).map(([name, at]) => [name, at(position)]);
  return {
    position,
    learningRate: schedules.learningRate(position),
    scalars: Object.fromEntries(scalars),
  };
}

function isObserved({ observe }: StepSetup, { position }: StepSettings): boolean {
  return observe !== undefined && (position.step + 1) % observe.every === 0;
}

/** The micro-batches of each step; what does not fill one is left out. */
async function* groups(
  stream: BatchStream,
  { microBatchesPerStep, stepsPerEpoch }: Setup["division"],
): AsyncGenerator<Batch[]> {
  let group: Batch[] = [];
  let yielded = 0;
  for await (const batch of stream) {
    if (batch.bad.length) throw new BadPictures(batch.bad);
    group.push(batch);
    if (group.length < microBatchesPerStep) continue;
    yield group;
    group = [];
    if (++yielded === stepsPerEpoch) return;
  }
}

type TaughtBatch = Batch & Pick<MicroBatch, "inputs">;

/**
 * With what the loss asks teachers: they answer for a step's batches while the one before is computed. came:
 * when the images were there.
 */
async function* taught(
  given: AsyncIterable<Batch[]>,
  { setup, epoch }: EpochOptions,
): AsyncGenerator<{ readonly group: TaughtBatch[]; readonly came: number }> {
  const { teachers, plan, preprocess } = setup;
  const asked = plan.training!.graph.inputs.map(({ name }) => name);
  const how = { own: preprocess, asked };
  for await (const group of given) {
    const came = performance.now();
    const answers = group.map((batch) => teachers.answer(epoch, batch, how));
    const inputs = await Promise.all(answers);
    yield { came, group: group.map((batch, i) => ({ ...batch, inputs: inputs[i] })) };
  }
}

function notFinite(
  { recipe, division }: StepSetup,
  { position, learningRate }: StepSettings,
  { loss, gradientNorm, given }: StepResult & { readonly given: readonly MicroBatch[] },
): OnebitError {
  const { step } = position;
  const epoch = Math.floor(step / division.stepsPerEpoch) + 1;
  const what = Number.isFinite(loss)
    ? `the gradient norm of the loss "${moduleName(recipe.loss)}" is ${gradientNorm}`
    : `the loss "${moduleName(recipe.loss)}" is ${loss}`;
  const where = `at epoch ${epoch}, step ${step + 1} (learning rate ${learningRate})`;
  return new OnebitError(`${what} ${where}: ${remedy(recipe, step, given)}`);
}

function remedy({ clip }: Recipe, step: number, given: readonly MicroBatch[]): string {
  const inputs = given.flatMap(({ inputs = {} }) => Object.entries(inputs));
  const [bad] = inputs.find(([, values]) => !values.every(Number.isFinite)) ?? [];
  if (bad !== undefined) return `"${bad}" holds numbers that are not finite: look at who says it`;
  if (step === 0) {
    return "no step was taken before, so it is not the learning rate: look at the loss, at the weights that the training starts from (--init) and at the images";
  }
  return clip === null
    ? "lower schedule.learningRate, or clip the gradient (clip=5)"
    : `lower schedule.learningRate, or clip below ${clip}`;
}
