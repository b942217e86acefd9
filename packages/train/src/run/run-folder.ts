import { appendFile, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { OnebitError, UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { makeFolder } from "onebit/node";
import { shellWord } from "onebit/words";
import type { HoldOut } from "../data/index.js";
import type { Recipe } from "../recipes/index.js";
import type { TrainingBackend } from "../runtime/providers.js";
import type { GivenTeacher, TeacherRecord } from "../teachers/index.js";
import type { EpochEvent, ObservationEvent, StepEvent, TrainingWarning } from "./events.js";
import { explain, removeTemporaries, writeWhole } from "./files.js";
import { refuseHeld, takeLock } from "./lock.js";
import type { ModelRecord } from "./network.js";
import type { TrainOptions, TrainResult } from "./options.js";

/** What run.json says: everything that decides the outcome, and what it was made with. */
export interface RunRecord {
  readonly format: 1;
  readonly recipe: Recipe;
  /** Of an earlier stage: its name, and the recipe that it belongs to. */
  readonly stage?: { readonly name: string; readonly of: Recipe };
  readonly model: ModelRecord;
  readonly data: DataRecord;
  readonly preprocess: Preprocess;
  readonly seed: number;
  /** Path that the tensors came from; null for random ones. */
  readonly init: string | null;
  /** Where the optimiser's moments came from; absent: they started at 0. */
  readonly moments?: string;
  /** Whom the loss asks; absent: none. */
  readonly teachers?: readonly TeacherRecord[];
  /** Of a recipe with stages, those of all stages. */
  readonly allTeachers?: readonly GivenTeacher[];
  /** How many views of each image there are; absent: every epoch has its own. */
  readonly teacherViews?: number;
  /** Where what teachers said of them is kept. */
  readonly teacherCache?: string;
  /** What of it is told to whoever watches; a run that goes on may have it changed. */
  readonly observe?: TrainOptions["observe"];
  readonly tensorboard?: string;
  readonly threads: number;
  /** Absent in runs of before there were several: cpu. */
  readonly backend?: TrainingBackend;
  readonly versions: { readonly [name: string]: string };
  readonly revision: string | null;
  /** ISO 8601. */
  readonly started: string;
  /** null while the run is not finished. */
  readonly result: RunSummary | null;
}

/** What a run records of its data. */
export interface DataRecord {
  readonly spec: string;
  readonly name: string;
  readonly classes: readonly string[];
  readonly trainImages: number;
  readonly testImages: number;
  /** Training images that were held back, and are not counted among them; absent: none. */
  readonly validation?: Required<HoldOut> & { readonly images: number };
  /** Of all images; absent for those that are generated, and in runs of before it was recorded. */
  readonly fingerprint?: string;
  /** Pictures that could not be used and were left out; absent: none. */
  readonly skipped?: readonly string[];
}

/** What a run records of its end. */
export type RunSummary = Pick<
  TrainResult,
  "epochs" | "best" | "test" | "seconds" | "imagesPerSecond"
>;

/** Fields that a resumed run must share with the run that it goes on with. */
const decisive = ["recipe", "data", "model", "preprocess", "seed", "teacherViews"] as const;

/** What metrics.jsonl has lines of. */
export type LoggedEvent = StepEvent | ObservationEvent | TrainingWarning | EpochEvent;

/** Whether a run goes on, or replaces another one. */
type Beginning = { readonly resume?: boolean; readonly overwrite?: boolean };

/**
 *   run.json             what was asked for, and the result
 *   metrics.jsonl        one line per event
 *   checkpoint/          state.safetensors, from which the run can go on
 *   best/                model.safetensors, the float model of the best epoch
 *   report.html          curves, confusion and cost, after every epoch
 *   lock                 the process that trains, as long as it does
 */
export class RunFolder {
  #unlock?: () => Promise<void>;

  constructor(readonly path: string) {}

  get checkpoint(): string {
    return join(this.path, "checkpoint", "state.safetensors");
  }

  get best(): string {
    return join(this.path, "best", "model.safetensors");
  }

  get metrics(): string {
    return join(this.path, "metrics.jsonl");
  }

  get report(): string {
    return join(this.path, "report.html");
  }

  get lock(): string {
    return join(this.path, "lock");
  }

  async exists(): Promise<boolean> {
    return (await this.#record()) !== undefined;
  }

  async #record(): Promise<RunRecord | undefined> {
    const file = join(this.path, "run.json");
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as RunRecord;
    } catch {
      throw new OnebitError(`${file}: is not JSON: the file is damaged`);
    }
  }

  async read(): Promise<RunRecord> {
    const record = await this.#record();
    if (record) return record;
    throw new UsageError(`${this.path}: holds no run (there is no run.json)`);
  }

  /**
   * Makes the folder ready for a new run, or for going on with the one that it holds, and locks it
   * until `end`. OnebitError where another training runs in it.
   */
  async begin(record: RunRecord, how: Beginning): Promise<void> {
    await refuseHeld(this.lock);
    await this.#check(record, how);
    await makeFolder(this.path).catch((error) => {
      throw explain(error, this.path);
    });
    this.#unlock = await takeLock(this.lock).catch((error) => {
      throw explain(error, this.lock);
    });
    try {
      // Another training may have been faster, and be done.
      await this.#check(record, how);
      if (how.resume) return await this.#tidy();
      await this.#create();
      await this.write(record);
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** What lies here is no run any more, so that it is not taken for a part of another. */
  async forget(): Promise<void> {
    await refuseHeld(this.lock);
    await rm(join(this.path, "run.json"), { force: true });
  }

  /** Lets others train in the folder. */
  async end(): Promise<void> {
    await this.#unlock?.();
    this.#unlock = undefined;
  }

  /**
   * UsageError or OnebitError where no run can begin here, whatever it is of: before anything that takes
   * long. Returns the run that is to go on.
   */
  async checkPlace(how: Beginning): Promise<RunRecord | undefined> {
    await refuseHeld(this.lock);
    return this.#goingOn(how);
  }

  async #goingOn({ resume, overwrite }: Beginning): Promise<RunRecord | undefined> {
    const old = await this.#record();
    if (resume && !old) throw new UsageError(nothingToResume(this.path));
    if (resume || !old || overwrite) return resume ? old : undefined;
    throw new UsageError(
      `${this.path}: already holds a run: go on with it (--resume), replace it (--overwrite) or choose another folder (--out)`,
    );
  }

  async #check(record: RunRecord, how: Beginning): Promise<void> {
    const old = await this.#goingOn(how);
    if (old) refuseChanges(this.path, old, record);
  }

  async write(record: RunRecord): Promise<void> {
    await writeWhole(join(this.path, "run.json"), `${JSON.stringify(record, null, 2)}\n`);
  }

  async writeReport(html: string): Promise<void> {
    await writeWhole(this.report, html);
  }

  async log(event: LoggedEvent): Promise<void> {
    await appendFile(this.metrics, `${JSON.stringify(event)}\n`).catch((error) => {
      throw explain(error, this.metrics);
    });
  }

  /** Forgets what was logged after an epoch, and returns what was before. */
  async rewind(epochs: number): Promise<LoggedEvent[]> {
    const text = await readFile(this.metrics, "utf8").catch(() => "");
    const events = text.split("\n").flatMap((line) => parseLine(line) ?? []);
    const kept = events.filter(({ epoch }) => epoch <= epochs);
    await writeWhole(this.metrics, kept.map((event) => `${JSON.stringify(event)}\n`).join(""));
    return kept;
  }

  async #create(): Promise<void> {
    try {
      for (const folder of ["checkpoint", "best"]) {
        await rm(join(this.path, folder), { recursive: true, force: true });
        await makeFolder(join(this.path, folder));
      }
      await rm(this.metrics, { force: true });
      await rm(this.report, { force: true });
    } catch (error) {
      throw explain(error, this.path);
    }
  }

  async #tidy(): Promise<void> {
    if (!(await stat(this.checkpoint).catch(() => undefined))) {
      throw new UsageError(
        `${this.path}: has no checkpoint yet, it stopped before the first: start again, without --resume, in another folder (--out) or in its place (--overwrite)`,
      );
    }
    for (const folder of ["", "checkpoint", "best"]) {
      await removeTemporaries(join(this.path, folder));
    }
  }
}

export const nothingToResume = (path: string): string =>
  `${path}: holds no run to resume; start without --resume`;

/** The record of a run: recipe, model, data, versions, result. */
export function readRun(out: string): Promise<RunRecord> {
  return new RunFolder(out).read();
}

/** Every epoch that a run has logged. */
export async function readEpochs(out: string): Promise<EpochEvent[]> {
  const text = await readFile(new RunFolder(out).metrics, "utf8").catch(() => "");
  const events = text.split("\n").flatMap((line) => parseLine(line) ?? []);
  return events.filter((event) => event.event === "epoch");
}

/** undefined for an empty line, and for one that a killed process did not finish. */
function parseLine(line: string): LoggedEvent | undefined {
  try {
    return JSON.parse(line) as LoggedEvent;
  } catch {
    return undefined;
  }
}

function refuseChanges(path: string, old: RunRecord, given: RunRecord): void {
  const now = { ...given, data: comparable(path, old.data, given.data) };
  refuseOtherTeachers(path, old, teachersOf(given));
  for (const field of decisive) {
    const difference = firstDifference(old[field], plainData(now[field]), field);
    if (difference) {
      throw new UsageError(
        `${path}: cannot go on with another ${difference}: the run would not be what it was (only threads and backend may change). Leave it out, or start a new run`,
      );
    }
  }
}

/** Images that are the same may lie elsewhere. UsageError where as many lie there, but others. */
function comparable(path: string, old: DataRecord, now: DataRecord): DataRecord {
  if (old.fingerprint === undefined) return { ...now, fingerprint: undefined };
  if (old.fingerprint === now.fingerprint) return { ...now, spec: old.spec, name: old.name };
  const { trainImages, testImages, classes } = now;
  const counts = { trainImages, testImages, classes };
  if (isDeepStrictEqual({ ...old, ...counts }, old) && now.spec === old.spec) {
    throw new UsageError(
      `${path}: cannot go on: the images of ${now.spec} are others than when the run was begun, though as many. Put those back, or start a new run (--init ${shellWord(path)} begins with its weights)`,
    );
  }
  return { ...now, fingerprint: old.fingerprint };
}

/** Of the whole training, whichever stage asks them. */
export function teachersOf({ allTeachers, teachers = [] }: RunRecord): readonly GivenTeacher[] {
  return allTeachers ?? teachers;
}

/** Where their files lie may change, not what they hold. */
export function refuseOtherTeachers(
  path: string,
  run: RunRecord,
  now: readonly GivenTeacher[],
): void {
  const old = teachersOf(run);
  const facts = (teachers: readonly GivenTeacher[]) =>
    plainData(teachers.map(({ role, sha256, onnx }) => [role, sha256, onnx ?? null]));
  if (isDeepStrictEqual(facts(old), facts(now))) return;
  const names = (teachers: readonly GivenTeacher[]) =>
    teachers.map(
      ({ role, path: file, sha256 }) => `${role} ${file} (SHA-256 ${sha256.slice(0, 12)})`,
    );
  throw new UsageError(
    `${path}: cannot go on with other teachers: it learns from ${names(old).join(", ") || "none"}; now: ${names(now).join(", ") || "none"}. Leave them out, or start a new run`,
  );
}

/** As JSON would give it back. */
export function plainData(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Path and both values of the first field that differs. */
export function firstDifference(a: unknown, b: unknown, path: string): string | undefined {
  if (isDeepStrictEqual(a, b)) return undefined;
  if (!isGroup(a) || !isGroup(b)) {
    return `${path} (${shortened(a)}, now ${shortened(b)})`;
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const difference = firstDifference(a[key], b[key], `${path}.${key}`);
    if (difference) return difference;
  }
  return path;
}

/** Lists of classes may have thousands of names. */
function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? "none";
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function isGroup(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
