import { UsageError } from "onebit";
import type { Graph } from "onebit/graph";
import { counted } from "onebit/words";
import { resolveAugment } from "../data/index.js";
import type { Optimising } from "../optimisers/index.js";
import type { Recipe } from "../recipes/index.js";
import { checkEndsBinary, checkSchedule } from "../schedules/index.js";
import { checkPattern, type Layout } from "../state/index.js";

/** How the training images divide into steps. */
export interface Division {
  readonly microBatch: number;
  readonly microBatchesPerStep: number;
  readonly stepsPerEpoch: number;
  /** Images of each epoch that do not fill a batch. */
  readonly dropped: number;
}

export function divide({ batch, microBatch }: Recipe, images: number): Division {
  whole("batch", batch);
  const size = microBatch ?? batch;
  whole("microBatch", size);
  if (batch % size) {
    throw new UsageError(`microBatch ${size} does not divide batch ${batch}: choose a divisor`);
  }
  const stepsPerEpoch = Math.floor(images / batch);
  if (!stepsPerEpoch) {
    throw new UsageError(
      `${counted(images, "training image")} cannot fill one batch of ${batch}: lower batch`,
    );
  }
  return {
    microBatch: size,
    microBatchesPerStep: batch / size,
    stepsPerEpoch,
    dropped: images - stepsPerEpoch * batch,
  };
}

/** Refuses optimisers for what they are not made for, and rates of no tensor. */
export function checkOptimising(
  { config, optimisers }: Optimising,
  network: Graph,
  { groups, segments }: Layout,
): void {
  for (const { pattern } of config.rates ?? []) checkPattern("rate", pattern, network);
  for (const { kind, start, end } of groups) {
    const { role } = optimisers[kind];
    const other = segments.find(
      (segment) => segment.start >= start && segment.end <= end && segment.role !== role,
    );
    if (role === undefined || !other) continue;
    throw new UsageError(
      `the optimiser ${kind} is for ${role} weights alone, and "${other.key}" is none of them: give these a group of their own, --set optimiser.groups='[{"name":"bits","role":"${role}","kind":"${kind}"}]', and the rest another optimiser.kind`,
    );
  }
}

/** Refuses a recipe that cannot work, before anything is computed. */
export function checkRecipe(
  recipe: Recipe,
  stepsPerEpoch: number,
  threshold: number | undefined,
): void {
  const { epochs, schedule, temperature, clip, averageDecay } = recipe;
  whole("epochs", epochs);
  resolveAugment(recipe.augment);
  checkSchedule(schedule, epochs);
  if (threshold !== undefined) checkEndsBinary(temperature, threshold, stepsPerEpoch, epochs);
  range("clip", clip, (x) => x > 0, "above 0, or null");
  range("averageDecay", averageDecay, (x) => x >= 0 && x < 1, "from 0 to below 1, or null");
  range("side", recipe.side, (x) => Number.isSafeInteger(x) && x > 0, "a whole number, or null");
  checkEvaluation(recipe);
  checkTeaching(recipe);
  range("fit.leastSteps", recipe.fit.leastSteps, (x) => x > 0, "above 0, or null");
  word("keep", recipe.keep, ["best", "last"]);
}

function checkEvaluation({ evaluation }: Recipe): void {
  if (!evaluation) return;
  range("evaluation.crop", evaluation.crop, (x) => x > 0 && x <= 1, "above 0, up to 1, or null");
  word("evaluation.interpolation", evaluation.interpolation, interpolations);
}

function checkTeaching({ teaching }: Recipe): void {
  if (teaching) word("teaching.who", teaching.who, ["all", "assistants", "teachers"]);
}

const interpolations: readonly string[] = ["bilinear", "bicubic"];

function word(name: string, value: string, words: readonly string[]): void {
  if (words.includes(value)) return;
  throw new UsageError(`${name} is "${value}", must be ${words.join(" or ")}`);
}

function whole(name: string, value: number): void {
  range(name, value, (x) => Number.isSafeInteger(x) && x > 0, "a positive whole number");
}

function range(
  name: string,
  value: number | null,
  fits: (x: number) => boolean,
  wanted: string,
): void {
  if (value === null || fits(value)) return;
  throw new UsageError(`${name} is ${value}, must be ${wanted}`);
}
