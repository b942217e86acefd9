import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "onebit";
import type { HoldOut } from "../data/index.js";
import type { Recipe } from "../recipes/index.js";
import type { TrainingBackend } from "../runtime/providers.js";
import type { TeacherChoice } from "../teachers/index.js";
import type { ModelChoice } from "./network.js";
import type { TrainOptions } from "./options.js";
import { nothingToResume, RunFolder, type RunRecord, teachersOf } from "./run-folder.js";

/** What a run was begun with: all that is needed to go on with it. */
export interface RecordedRun {
  /** With its stages, whichever of them was reached. */
  readonly recipe: Recipe;
  readonly model: Exclude<ModelChoice, string>;
  /** As `openDataset` takes it. */
  readonly data: string;
  readonly seed: number;
  readonly threads: number;
  readonly backend: TrainingBackend;
  /** Absent: no images were held back. */
  readonly validation?: HoldOut;
  readonly init: string | null;
  readonly teachers: readonly TeacherChoice[];
  readonly assistants: readonly TeacherChoice[];
  readonly teacherViews?: number;
  readonly teacherCache?: string;
  readonly observe?: TrainOptions["observe"];
  readonly tensorboard?: string;
}

/** Of a run folder, also of one that only has got to an earlier stage. UsageError where there is none. */
export async function recordedRun(out: string): Promise<RecordedRun> {
  const folder = new RunFolder(out);
  const record = (await firstStage(out)) ?? ((await folder.exists()) ? await folder.read() : null);
  if (!record) throw new UsageError(nothingToResume(out));
  const { recipe, stage, model, data, seed, threads, backend = "cpu", init } = record;
  const { teacherViews, teacherCache, observe, tensorboard } = record;
  const choices = (wanted: string) =>
    teachersOf(record)
      .filter(({ role }) => role === wanted)
      .map(({ path, onnx }) => ({ path, onnx }));
  return {
    recipe: stage?.of ?? recipe,
    model: "graph" in model ? model.graph : { name: model.name, ...ownOptions(model.options) },
    data: data.spec,
    validation: data.validation && { share: data.validation.share, seed: data.validation.seed },
    ...{ seed, threads, backend, init, teacherViews, teacherCache, observe, tensorboard },
    ...{ teachers: choices("teacher"), assistants: choices("assistant") },
  };
}

/** It says what the whole training began with: later ones begin with its result. */
async function firstStage(out: string): Promise<RunRecord | undefined> {
  const entries = await readdir(out, { withFileTypes: true }).catch(() => []);
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const folder = new RunFolder(join(out, name));
    const record = (await folder.exists()) ? await folder.read() : undefined;
    if (record?.stage?.of.stages[0].name === name) return record;
  }
  return undefined;
}

/** Classes are the data's, the form the recipe's. */
function ownOptions(options: object): object {
  const { classes: _, form: __, ...own } = options as { classes?: number; form?: string };
  return own;
}
