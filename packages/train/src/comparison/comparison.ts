import { basename, resolve } from "node:path";
import { type EpochEvent, evaluated } from "../run/events.js";
import type { Accuracy } from "../run/scores.js";
import { type ReadRun, readRuns } from "./read-run.js";
import { type DifferingSetting, differingSettings } from "./settings.js";

/** Several runs beside each other. Plain data. */
export interface RunComparison {
  readonly runs: readonly ComparedRun[];
  readonly settings: readonly DifferingSetting[];
}

/** What is shown of a run. */
export interface ComparedRun {
  /** The last part of its path, or all of it where others end alike. */
  readonly name: string;
  readonly path: string;
  readonly recipe: string;
  readonly data: string;
  readonly epochs: { readonly done: number; readonly of: number };
  readonly finished: boolean;
  /** What its epochs were evaluated on: test images, or training images that were held back. */
  readonly part: "test" | "validation";
  /** Of the epochs whose weights were final, the best; null before any were. */
  readonly best: { readonly epoch: number; readonly top1: number } | null;
  readonly last: { readonly train: EpochEvent["train"]; readonly evaluated: Accuracy };
  /** Of a finished run that held images back. */
  readonly test?: Accuracy;
  readonly seconds: number;
  readonly history: readonly EpochEvent[];
  readonly warnings: readonly string[];
}

/**
 * Reads runs and sets them beside each other. UsageError for a folder that holds none, a run without an epoch
 * or one that is named twice; OnebitError, with the line, for a damaged metrics.jsonl.
 */
export async function compareRuns(paths: readonly string[]): Promise<RunComparison> {
  const runs = await readRuns(paths);
  const ends = runs.map(({ path }) => basename(resolve(path)));
  const isUnique = new Set(ends).size === ends.length;
  return {
    runs: runs.map((run, i) => comparedRun(run, isUnique ? ends[i] : run.path)),
    settings: differingSettings(runs.map(({ record }) => record)),
  };
}

function comparedRun({ path, record, epochs, warnings }: ReadRun, name: string): ComparedRun {
  const last = epochs[epochs.length - 1];
  const { part, scores } = evaluated(last);
  return {
    ...{ name, path, recipe: record.recipe.name, data: record.data.name, part },
    epochs: { done: epochs.length, of: record.recipe.epochs },
    finished: record.result !== null,
    best: bestOf(epochs),
    last: { train: last.train, evaluated: scores },
    ...(record.result?.test && { test: record.result.test }),
    seconds: epochs.reduce((sum, { seconds }) => sum + seconds, 0),
    history: epochs,
    warnings: warnings.map(({ epoch, message }) => `Epoch ${epoch}: ${message}`),
  };
}

function bestOf(epochs: readonly EpochEvent[]): ComparedRun["best"] {
  const final = epochs
    .filter((epoch) => epoch.final)
    .map((event) => ({ epoch: event.epoch, top1: evaluated(event).scores.top1 }));
  return final.reduce<ComparedRun["best"]>(
    (best, one) => (best && best.top1 >= one.top1 ? best : one),
    null,
  );
}
