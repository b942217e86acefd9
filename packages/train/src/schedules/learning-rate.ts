import { UsageError } from "onebit";
import { counted, unknownName } from "onebit/words";
import { isModule } from "../own/own-module.js";

export const scheduleKinds: readonly string[] = ["cosine", "linear", "step", "constant"];

/** How the learning rate goes over the training. */
export interface ScheduleConfig {
  /** cosine, linear, step or constant, or the path of a module whose default export is a Schedule. */
  readonly kind: string;
  /** Rate after the warm-up, from which it decays. */
  readonly learningRate: number;
  /** Cosine and linear: where the decay ends. */
  readonly finalLearningRate: number;
  /** Epochs (fractions allowed) of linear growth from warmupLearningRate to learningRate. */
  readonly warmupEpochs: number;
  readonly warmupLearningRate: number;
  /**
   * step: the rate follows every optimiser step. epoch: it is set once per epoch, in the form that
   * the published code has (see learningRate).
   */
  readonly per: "step" | "epoch";
  /** step: fractions of the training after which the rate is multiplied by `factor`. */
  readonly milestones: readonly number[];
  readonly factor: number;
}

/** Where a training stands. */
export interface Position {
  /** Optimiser steps done before this one. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

/**
 * Learning rate of a step. With t the time in epochs, E epochs, W of them warm-up:
 *
 *   warm-up   η0 + (η - η0) t / W                                  for t < W
 *   cosine    η1 + (η - η1) / 2 · (1 + cos(π (t - W) / D))
 *   linear    η1 + (η - η1) · (1 - (t - W) / D)
 *   step      η · factor^(milestones passed)
 *   constant  η
 *
 * per "step": t counts steps, D = E - W. per "epoch": t is the whole epoch e, and the published
 * code decides the rest: cosine as in timm with D = E (BNext), linear as in ReActNet, stepped before
 * the epoch, so (e + 1 - W) / (E - W): the last epoch runs at η1.
 */
export function learningRate(config: ScheduleConfig, position: Position): number {
  const { learningRate: top, finalLearningRate: end, warmupEpochs, per } = config;
  const { step, stepsPerEpoch, epochs } = position;
  const epoch = Math.floor(step / stepsPerEpoch);
  const time = per === "epoch" ? epoch : step / stepsPerEpoch;
  if (time < warmupEpochs) {
    return config.warmupLearningRate + ((top - config.warmupLearningRate) * time) / warmupEpochs;
  }
  const rest = epochs - warmupEpochs;
  switch (config.kind) {
    case "cosine": {
      const done = (time - warmupEpochs) / (per === "epoch" ? epochs : rest);
      return end + ((top - end) / 2) * (1 + Math.cos(Math.PI * done));
    }
    case "linear": {
      const done = (time - warmupEpochs + (per === "epoch" ? 1 : 0)) / rest;
      return end + (top - end) * (1 - done);
    }
    case "step": {
      const passed = config.milestones.filter((milestone) => time >= milestone * epochs).length;
      return top * config.factor ** passed;
    }
    case "constant":
      return top;
    default:
      throw unknownSchedule(config.kind);
  }
}

/** Refuses a schedule that cannot work, before anything is computed. */
export function checkSchedule(config: ScheduleConfig, epochs: number): void {
  const { kind, learningRate: top, finalLearningRate, warmupLearningRate, warmupEpochs } = config;
  if (isModule(kind)) return;
  if (!scheduleKinds.includes(kind)) throw unknownSchedule(kind);
  if (!(top > 0) || !(finalLearningRate >= 0) || !(warmupLearningRate >= 0)) {
    throw new UsageError(
      `learning rates ${warmupLearningRate} (warm-up), ${top}, ${finalLearningRate} (final): the middle one must be above 0, the others not below`,
    );
  }
  if (kind === "step") checkMilestones(config.milestones, epochs);
  if (!(warmupEpochs >= 0) || (warmupEpochs > 0 && warmupEpochs >= epochs)) {
    throw new UsageError(
      `warm-up of ${counted(warmupEpochs, "epoch")} in a training of ${epochs}: lower schedule.warmupEpochs below the number of epochs`,
    );
  }
}

/** Counted in epochs they would never be passed. */
function checkMilestones(milestones: readonly number[], epochs: number): void {
  const outside = milestones.find((m) => !(m > 0 && m < 1));
  if (outside !== undefined) {
    throw new UsageError(
      `schedule.milestones [${milestones.join(", ")}]: ${outside} lies outside the training: fractions of it are wanted, above 0 and below 1${inEpochs(outside, epochs)}`,
    );
  }
}

const inEpochs = (milestone: number, epochs: number) =>
  milestone > 1 && milestone < epochs
    ? ` (epoch ${milestone} of ${epochs} is ${Number((milestone / epochs).toFixed(3))})`
    : "";

function unknownSchedule(kind: string): UsageError {
  return new UsageError(`schedule.kind: ${unknownName("schedule", kind, scheduleKinds)}`);
}
