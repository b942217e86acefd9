import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, UsageError, visible } from "onebit";
import type { EpochEvent, TrainingWarning } from "../run/events.js";
import { type LoggedEvent, RunFolder, type RunRecord } from "../run/run-folder.js";

/** A run as its folder tells of it. */
export interface ReadRun {
  /** As it was given. */
  readonly path: string;
  readonly record: RunRecord;
  readonly epochs: readonly EpochEvent[];
  readonly warnings: readonly TrainingWarning[];
}

/** UsageError for what is no run or has no epoch yet, and for a run that is named twice. */
export async function readRuns(paths: readonly string[]): Promise<ReadRun[]> {
  if (!paths.length) {
    throw new UsageError("name the folder of one run at least, such as runs/mine");
  }
  const known = new Map<string, string>();
  const runs: ReadRun[] = [];
  for (const path of paths) {
    const run = await readOne(path);
    const place = await realpath(path);
    const before = known.get(place);
    if (before !== undefined) {
      const which = before === path ? `${path}: is named twice` : `${path}: is the run ${before}`;
      throw new UsageError(`${which}: name every run once`);
    }
    known.set(place, path);
    runs.push(run);
  }
  return runs;
}

async function readOne(path: string): Promise<ReadRun> {
  const folder = new RunFolder(path);
  await checkFolder(folder);
  const record = await folder.read();
  if (!record.recipe?.name || !record.data?.name || !record.model) {
    throw new UsageError(`${join(path, "run.json")}: is not that of a onebit training`);
  }
  const events = await readEvents(folder.metrics);
  const epochs = events.filter((event) => event.event === "epoch");
  const warnings = events.filter((event) => event.event === "warning");
  if (epochs.length) return { path, record, epochs, warnings };
  throw new UsageError(
    `${path}: has no epoch to show: it stopped, or is, before the end of its first. Leave it out`,
  );
}

async function checkFolder(folder: RunFolder): Promise<void> {
  const { path } = folder;
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new UsageError(`${path}: there is no such folder`);
  if (!found.isDirectory())
    throw new UsageError(`${path}: is a file; the folder of a run is wanted`);
  if (await folder.exists()) return;
  const inside = await runsInside(path);
  const hint = inside.length
    ? `. There are runs in it: ${inside.slice(0, 4).join(", ")}${inside.length > 4 ? `, ... (${inside.length})` : ""}`
    : "";
  throw new UsageError(`${path}: holds no run (there is no run.json)${hint}`);
}

/** Runs of a folder, or of the "runs" in it, as a study has them. */
async function runsInside(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const place of [path, join(path, "runs")]) {
    for (const name of (await readdir(place).catch(() => [])).sort()) {
      const inner = join(place, name);
      if (await stat(join(inner, "run.json")).catch(() => undefined)) found.push(visible(inner));
    }
  }
  return found;
}

/**
 * OnebitError with its number for a line that is not what a training writes; a last one that is not finished
 * is left out: the training may be writing it, or have been killed.
 */
async function readEvents(path: string): Promise<LoggedEvent[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new OnebitError(`${path}: cannot be read: ${error.message}`);
  });
  const lines = text.split("\n").slice(0, -1);
  const events = lines.map((line, i) => eventOf(line, `${path}, line ${i + 1}`));
  let last = 0;
  for (const [i, event] of events.entries()) {
    if (event.event !== "epoch") continue;
    if (event.epoch !== last + 1) {
      throw damaged(`${path}, line ${i + 1}`, `is epoch ${event.epoch}, after ${last || "none"}`);
    }
    last = event.epoch;
  }
  return events;
}

const KINDS: readonly string[] = [
  "step",
  "observation",
  "warning",
  "epoch",
] satisfies readonly LoggedEvent["event"][];

function eventOf(line: string, place: string): LoggedEvent {
  let event: LoggedEvent;
  try {
    event = JSON.parse(line);
  } catch {
    throw damaged(place, "is not JSON");
  }
  if (!KINDS.includes(event?.event)) throw damaged(place, "is no event of a training");
  if (event.event === "epoch" && !isWhole(event)) throw damaged(place, "lacks figures of an epoch");
  return event;
}

function isWhole({ epoch, train, test, validation }: EpochEvent): boolean {
  const scores = validation ?? test;
  return [epoch, train?.loss, train?.top1, scores?.loss, scores?.top1].every(Number.isFinite);
}

function damaged(place: string, what: string): OnebitError {
  return new OnebitError(
    `${place}: ${what}: the file is damaged. Remove the line, or leave the run out`,
  );
}
