import { OnebitError, type SignalLike } from "onebit";
import type { Tensor } from "onebit/graph";
import { encodeFloatModel } from "onebit/models";
import { BadPictures, type Loader } from "../data/index.js";
import type { Engine, Scalars } from "../engine/types.js";
import { reportHtml } from "../report/index.js";
import { unflatten } from "../state/index.js";
import type { Observation } from "../watch/index.js";
import { hasBinaryWeights } from "./binary.js";
import { saveCheckpoint } from "./checkpoint.js";
import { type EpochTotals, Interrupted, type StepOutcome, trainEpoch } from "./epoch.js";
import { evaluateSplit, type FloatEvaluation } from "./evaluate.js";
import type { Best, EpochEvent, StepEvent } from "./events.js";
import { writeWhole } from "./files.js";
import { Journal, type JournalOptions } from "./journal.js";
import { Meter, sharesOf, type WaitingShares } from "./meter.js";
import type { Setup } from "./prepare.js";
import { runReport } from "./run-report.js";
import type { Accuracy } from "./scores.js";
import { allBadPictures } from "./skip-bad.js";

export interface LoopOptions extends JournalOptions {
  readonly engine: Engine;
  readonly loader: Loader;
  /** Epochs that are done, and the time they took. */
  readonly done: number;
  readonly best: Best | null;
  readonly seconds: number;
  readonly signal?: SignalLike;
}

type Validation = Accuracy & Pick<FloatEvaluation, "confusion">;

/** Lines per epoch in metrics.jsonl, besides the epoch's own. */
const LOGGED_STEPS = 20;

/** Trains epoch after epoch. What is on disk is always the state after a whole epoch. */
export class TrainingLoop {
  best: Best | null;
  readonly #options: LoopOptions;
  readonly #journal: Journal;
  readonly #meter: Meter;
  /** Epochs that the checkpoint on disk holds. */
  #saved: number;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#journal = new Journal(options);
    this.best = options.best;
    this.#saved = options.done;
    const { recipe, division } = options.setup;
    const perEpoch = division.stepsPerEpoch * recipe.batch;
    this.#meter = new Meter(recipe.epochs * perEpoch, options.done * perEpoch);
  }

  get history(): readonly EpochEvent[] {
    return this.#journal.history;
  }

  /** Of all sittings together. */
  get seconds(): number {
    return this.#options.seconds + this.#meter.seconds;
  }

  get imagesPerSecond(): number {
    return this.#meter.imagesPerSecond || (this.history.at(-1)?.imagesPerSecond ?? 0);
  }

  /** Of this sitting's steps. */
  get waiting(): WaitingShares {
    return this.#meter.waiting;
  }

  async run(): Promise<void> {
    const { setup, done, folder } = this.#options;
    try {
      for (let epoch = done; epoch < setup.recipe.epochs; epoch++) await this.#epoch(epoch);
    } catch (error) {
      const cause = error instanceof BadPictures ? await this.#allBad(error) : error;
      throw this.#explain(cause, folder.checkpoint);
    }
  }

  async #allBad({ pictures }: BadPictures): Promise<OnebitError> {
    const { setup, signal, tell } = this.#options;
    const [{ source, reason }] = pictures;
    const message = `${source}: ${reason}. The training ends; looking for others like it`;
    await tell({ event: "warning", message });
    return new OnebitError(await allBadPictures(setup.dataset, pictures, { signal }));
  }

  /** Saves the state after `epochs` epochs: the best model first, then what a resumed run needs. */
  async save(epochs: number): Promise<void> {
    const { engine, setup, folder, tell } = this.#options;
    const { layout } = setup.plan;
    const snapshot = await engine.snapshot();
    if (this.best && this.best.epoch === epochs) {
      const { recipe, record } = setup;
      const model = encodeFloatModel({
        architecture: record.model,
        tensors: unflatten(layout, snapshot.average ?? snapshot.values),
        labels: record.data.classes,
        preprocess: record.preprocess,
        card: {
          ...{ recipe: recipe.name, data: record.data.name, seed: record.seed },
          ...{ epochs: recipe.epochs, ...this.best, revision: record.revision },
        },
      });
      await writeWhole(folder.best, model);
      await tell({ event: "saved", what: "best", epoch: epochs, path: folder.best });
    }
    const position = { epochs, best: this.best, seconds: this.seconds };
    await saveCheckpoint(folder.checkpoint, layout, { snapshot, position });
    this.#saved = epochs;
    await tell({ event: "saved", what: "checkpoint", epoch: epochs, path: folder.checkpoint });
  }

  async #epoch(epoch: number): Promise<void> {
    const { setup, engine, loader, signal } = this.#options;
    const started = performance.now();
    const train = await trainEpoch({
      ...{ setup, engine, loader, epoch, signal },
      onStep: (outcome) => this.#onStep(outcome),
    });
    const { confusion, ...scores } = await this.#validate(train);
    const event = this.#epochEvent(epoch, train, scores, (performance.now() - started) / 1000);
    const isBetter = scores.top1 > (this.best?.top1 ?? -1);
    if (event.final && (isBetter || setup.recipe.keep === "last")) {
      this.best = { epoch: epoch + 1, top1: scores.top1 };
    }
    await this.#journal.epoch(event);
    await this.save(epoch + 1);
    await this.#report(confusion);
  }

  async #report(confusion: FloatEvaluation["confusion"]): Promise<void> {
    const { setup, folder } = this.#options;
    const { record, network } = setup;
    const { history, observations, warnings } = this.#journal;
    const report = runReport({
      ...{ record, network, history, observations, warnings, best: this.best, confusion },
    });
    await folder.writeReport(await reportHtml(report));
  }

  /** At the temperature of the last step: what was trained is what is evaluated and stored. */
  async #validate({ last }: EpochTotals): Promise<Validation> {
    const { setup, engine, loader, signal } = this.#options;
    const { dataset, preprocess, evaluationBatch } = setup;
    const { metrics } = setup.hooks;
    const { images, top1, top5, loss, confusion, bad, ...more } = await evaluateSplit({
      ...{ engine, loader, dataset, part: "test", preprocess, batch: evaluationBatch, signal },
      ...{ scalars: last.scalars, skipBad: true },
      own: {
        metrics,
        weights: () => weightsOf(setup, engine, "evaluated"),
        when: ` after epoch ${Math.floor(last.position.step / setup.division.stepsPerEpoch) + 1}`,
      },
    });
    if (bad.length) throw new BadPictures(bad);
    const own = more.metrics && { metrics: more.metrics };
    if (Number.isFinite(loss)) return { images, top1, top5, loss, ...own, confusion };
    throw new OnebitError(
      `the loss on the ${dataset.finalTest ? "held-back" : "test"} images is ${loss} after step ${last.position.step + 1}: lower schedule.learningRate`,
    );
  }

  async #onStep({ result, milliseconds, waiting, ...settings }: StepOutcome): Promise<void> {
    const { setup, tell } = this.#options;
    const { division, recipe } = setup;
    this.#meter.add(result.images, milliseconds, waiting);
    const { step } = settings.position;
    const event: StepEvent = {
      event: "step",
      epoch: Math.floor(step / division.stepsPerEpoch) + 1,
      epochs: recipe.epochs,
      step: step + 1,
      steps: recipe.epochs * division.stepsPerEpoch,
      loss: result.loss,
      accuracy: result.correct / result.images,
      gradientNorm: result.gradientNorm,
      flipRate: orNull(result.flipRate),
      learningRate: settings.learningRate,
      ...scalarFields(settings.scalars),
      imagesPerSecond: this.#meter.imagesPerSecond,
      secondsLeft: this.#meter.secondsLeft,
    };
    await tell(event);
    const every = Math.ceil(division.stepsPerEpoch / LOGGED_STEPS);
    if ((step + 1) % every === 0) await this.#journal.log(event);
    if (result.observation) await this.#observed(event, result.observation);
  }

  #observed({ epoch, step, learningRate }: StepEvent, seen: Observation): Promise<void> {
    const layers = shortened(seen.layers);
    const event = { event: "observation", epoch, step, since: seen.since, layers } as const;
    return this.#journal.observation(event, learningRate);
  }

  #epochEvent(epoch: number, train: EpochTotals, scores: Accuracy, seconds: number): EpochEvent {
    const { recipe, threshold, network, dataset } = this.#options.setup;
    const { last } = train;
    const isSoft = threshold !== undefined && last.scalars.temperature >= threshold;
    return {
      event: "epoch",
      epoch: epoch + 1,
      epochs: recipe.epochs,
      step: last.position.step + 1,
      train: { loss: train.loss, top1: train.top1 },
      ...(dataset.finalTest ? { validation: scores } : { test: scores }),
      final: !isSoft,
      weights: isSoft ? "soft" : hasBinaryWeights(network) ? "binary" : "real",
      flipRate: orNull(train.flipRate),
      gradientNorm: train.gradientNorm,
      learningRate: last.learningRate,
      ...scalarFields(last.scalars),
      imagesPerSecond: (1000 * train.images) / train.milliseconds,
      waiting: sharesOf(train.waiting, train.milliseconds),
      seconds,
      secondsLeft: this.#meter.secondsLeft,
    };
  }

  /** Failures say what is left on disk and how to go on. */
  #explain(error: unknown, checkpoint: string): unknown {
    const where =
      this.#saved > 0
        ? `${checkpoint} holds the state after epoch ${this.#saved}`
        : `${checkpoint} holds the state before the first epoch`;
    const { signal } = this.#options;
    if (error instanceof Interrupted || (signal?.aborted && error === signal.reason)) {
      const cause = signal?.reason;
      return new OnebitError(
        `stopped. ${where}: go on from there with --resume and the same --out`,
        { cause },
      );
    }
    if (error instanceof OnebitError) {
      return new OnebitError(`${error.message}. ${where}`, { cause: error.cause });
    }
    return error;
  }
}

/** A copy of a training's tensors: those that steps change, or their average where that is evaluated. */
export async function weightsOf(
  { plan }: Pick<Setup, "plan">,
  engine: Engine,
  which: "trained" | "evaluated",
): Promise<{ readonly [key: string]: Tensor }> {
  const { values, average } = await engine.snapshot();
  return unflatten(plan.layout, which === "evaluated" ? (average ?? values) : values);
}

/** Six digits of each figure are enough, and keep metrics.jsonl small. */
function shortened(layers: Observation["layers"]): Observation["layers"] {
  const short = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(6)) : value;
  return JSON.parse(JSON.stringify(layers, short));
}

/** A temperature has a field of its own; networks without one, null. */
function scalarFields({ temperature = Number.NaN, ...scalars }: Scalars) {
  const others = Object.keys(scalars).length ? { scalars } : {};
  return { temperature: orNull(temperature), ...others };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
