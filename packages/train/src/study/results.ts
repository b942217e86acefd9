import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, UsageError } from "onebit";
import { counted } from "onebit/words";
import { evaluated } from "../run/events.js";
import {
  firstDifference,
  plainData,
  RunFolder,
  type RunRecord,
  readEpochs,
} from "../run/run-folder.js";
import type { Accuracy } from "../run/scores.js";
import type { StudyPlan } from "./plan.js";
import { folderOfRun, type StudyRun } from "./runs.js";
import type { Measure } from "./study.js";

/** What came of one run. */
export interface RunResult extends StudyRun {
  readonly status: "done" | "failed" | "missing";
  /** Why it has no figures. */
  readonly reason?: string;
  /** Crashes, those before it went on and was done included. */
  readonly failures?: readonly string[];
  /** The epoch that was kept, of how many. */
  readonly epoch?: number;
  readonly epochs?: number;
  readonly figures?: Figures;
  readonly curves?: RunCurves;
  /** Of all epochs, earlier stages included. */
  readonly seconds?: number;
}

export type Figures = { readonly [measure in Measure]: number };

/** By epoch, of the last stage. */
export interface RunCurves {
  readonly trainTop1: readonly number[];
  readonly trainLoss: readonly number[];
  readonly validationTop1: readonly number[];
  readonly validationLoss: readonly number[];
  readonly flipRate: readonly (number | null)[];
}

/**
 * Everything that is known of a run, from its folder. UsageError where that holds another, OnebitError where it is
 * done and its figures are not whole.
 */
export async function resultOf(plan: StudyPlan, out: string, run: StudyRun): Promise<RunResult> {
  const path = folderOfRun(out, run);
  const folder = new RunFolder(path);
  const crashes = await readFailures(path);
  const failures = crashes.length ? { failures: crashes } : {};
  if (!(await folder.exists())) return { ...run, status: "missing", ...failures };
  const record = await folder.read();
  refuseOtherRun(plan, run, record, path);
  const { result } = record;
  if (!result?.test) return { ...run, status: "missing", ...failures };
  const history = await readEpochs(path);
  const { epochs } = result;
  if (history.length !== epochs) {
    throw damaged(
      folder.metrics,
      `has ${counted(history.length, "epoch")}, of ${epochs} that were trained`,
    );
  }
  const epoch = result.best?.epoch;
  if (!history[epoch - 1]) throw damaged(path, `run.json has no epoch that was kept: ${epoch}`);
  const scores = history.map((epoch) => evaluated(epoch).scores);
  const figures = figuresOf(history[epoch - 1].train.top1, scores[epoch - 1], result.test);
  for (const [measure, value] of Object.entries(figures)) {
    if (!Number.isFinite(value))
      throw damaged(path, `${measure} is ${value}, a finite number is wanted`);
  }
  return {
    ...{ ...run, status: "done", ...failures, epoch, epochs, figures },
    curves: {
      trainTop1: history.map(({ train }) => train.top1),
      trainLoss: history.map(({ train }) => train.loss),
      validationTop1: scores.map(({ top1 }) => top1),
      validationLoss: scores.map(({ loss }) => loss),
      flipRate: history.map(({ flipRate }) => flipRate),
    },
    seconds: result.seconds + (await secondsOfStages(path, record)),
  };
}

function damaged(path: string, what: string): OnebitError {
  return new OnebitError(
    `${path}: ${what}: the run is damaged. Put back a copy of it, or remove its folder and --resume trains it again`,
  );
}

function figuresOf(trained: number, validation: Accuracy, test: Accuracy): Figures {
  return {
    ...ownFigures("test", test),
    ...ownFigures("validation", validation),
    "test.top1": test.top1,
    "test.top5": test.top5,
    "test.loss": test.loss,
    "validation.top1": validation.top1,
    "validation.top5": validation.top5,
    "validation.loss": validation.loss,
    "train.top1": trained,
    gap: trained - validation.top1,
  };
}

function ownFigures(part: "test" | "validation", { metrics = {} }: Accuracy): Partial<Figures> {
  const named = Object.entries(metrics).map(([name, value]) => [`${part}.metrics.${name}`, value]);
  return Object.fromEntries(named);
}

async function secondsOfStages(path: string, { recipe }: RunRecord): Promise<number> {
  let seconds = 0;
  for (const { name } of recipe.stages) {
    const stage = await new RunFolder(join(path, name)).read();
    seconds += stage.result?.seconds ?? 0;
  }
  return seconds;
}

function refuseOtherRun(
  { variants }: StudyPlan,
  { variant, seed }: StudyRun,
  record: RunRecord,
  path: string,
): void {
  const { fitted } = variants[variant];
  const difference =
    firstDifference(record.recipe, plainData(fitted), "recipe") ??
    firstDifference(record.seed, seed, "seed");
  if (difference === undefined) return;
  throw new UsageError(
    `${path}: holds a run of other settings: ${difference}. Remove it, or begin in another folder (--out)`,
  );
}

export const failuresFile = (path: string) => join(path, "failures.jsonl");

/** Why a run crashed, each time. */
export async function readFailures(path: string): Promise<string[]> {
  const text = await readFile(failuresFile(path), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    try {
      return [(JSON.parse(line) as { message: string }).message];
    } catch {
      return [];
    }
  });
}
