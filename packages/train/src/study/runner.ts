import { appendFile, readdir, rmdir, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { OnebitError, type SignalLike, UsageError } from "onebit";
import { makeFolder } from "onebit/node";
import { counted } from "onebit/words";
import { fingerprint, openDataset } from "../data/index.js";
import { explain, writeWhole } from "../run/files.js";
import { removeAbandoned, takeLock } from "../run/lock.js";
import { checkBackend } from "../runtime/node.js";
import type { TrainingBackend } from "../runtime/providers.js";
import { type Choice, chosen, deviations, type GivenChoice } from "./choice.js";
import type { StudyEvent } from "./events.js";
import { refuseOtherStudy, StudyFolder } from "./folder.js";
import type { Job, Priority } from "./job.js";
import { studyPage } from "./page.js";
import { makePlan, type StudyPlan } from "./plan.js";
import { failuresFile, type RunResult, resultOf } from "./results.js";
import { sourceRevision } from "./revision.js";
import { type Outcome, startRun } from "./run-process.js";
import { folderOfRun, nameOfRun, runsOf, type StudyRun, teacherPaths, teachersOf } from "./runs.js";
import type { Study } from "./study.js";
import { readableJson, type StudyResult, studyResult } from "./study-result.js";

/** How a study is run. */
export interface StudyOptions extends GivenChoice {
  /** Folder of the study. */
  readonly out: string;
  /** Go on with what is in `out`. */
  readonly resume?: boolean;
  /** Remove locks of a machine or container that has ended without a word. */
  readonly takeOver?: boolean;
  /** Runs at a time; default 2. */
  readonly processes?: number;
  /** Of ONNX Runtime in each run; default 1. */
  readonly threads?: number;
  /** What ONNX Runtime computes on; default: that of the study in `out`, else cpu. */
  readonly backend?: TrainingBackend;
  /** Default low. */
  readonly priority?: Priority;
  readonly onEvent?: (event: StudyEvent) => void;
  /** Stops all runs after their current step. */
  readonly signal?: SignalLike;
}

/** What a study would be here: how many runs, hours, bytes. Writes nothing. */
export async function planStudy(study: Study, options: StudyOptions): Promise<StudyPlan> {
  const { out, processes = 2, threads = 1, onEvent } = options;
  const before = await new StudyFolder(out).read();
  const { backend = before?.backend ?? "cpu" } = options;
  return makePlan(study, chosen(study, options, before?.choice), {
    ...{ out, processes, threads, backend },
    onVariant: (variant) => onEvent?.({ event: "trying", variant }),
  });
}

/**
 * Runs what is missing of a study: each run in a process of its own, at low priority. May be killed
 * at any time; `resume` goes on from each run's last epoch. Writes study.json and study.html after every run.
 *
 * UsageError for what cannot work, before the first run; OnebitError where runs failed twice (all others are
 * done then), the disk is full or the signal stopped it.
 */
export async function runStudy(study: Study, options: StudyOptions): Promise<StudyResult> {
  const { out, resume = false, takeOver = false } = options;
  const folder = new StudyFolder(out);
  await folder.checkPlace(resume);
  const made = await makeFolder(folder.runs).catch((error) => {
    throw explain(error, out);
  });
  let hasBegun = false;
  try {
    if (takeOver) await removeLocks(folder);
    const unlock = await lock(folder);
    try {
      const before = await folder.checkPlace(resume);
      const plan = await begin(study, folder, options, before);
      hasBegun = true;
      return await new Runner(plan, folder, options).run();
    } finally {
      await unlock();
    }
  } catch (error) {
    if (made && !hasBegun) await removeEmpty(folder.runs, made);
    throw error;
  }
}

/** Folders of a study that did not come about: from `inner` up to `outer`, as long as nothing is in them. */
async function removeEmpty(inner: string, outer: string): Promise<void> {
  const isEmpty = await rmdir(inner).then(
    () => true,
    () => false,
  );
  if (isEmpty && resolve(inner) !== resolve(outer)) await removeEmpty(dirname(inner), outer);
}

async function lock(folder: StudyFolder): Promise<() => Promise<void>> {
  return takeLock(folder.lock).catch((error) => {
    if (!(error instanceof OnebitError)) throw explain(error, folder.lock);
    const hint = error.message.includes("another machine")
      ? ", and those of its runs: --take-over"
      : "";
    throw new OnebitError(`${error.message}${hint}`);
  });
}

async function removeLocks(folder: StudyFolder): Promise<void> {
  const locks = (await readdir(folder.runs, { recursive: true })).filter((name) =>
    /(^|[\\/])lock$/.test(name),
  );
  for (const path of [folder.lock, ...locks.map((name) => join(folder.runs, name))]) {
    await removeAbandoned(path);
  }
}

/** The plan, written down; of a study that goes on the one that it was begun with. */
async function begin(
  study: Study,
  folder: StudyFolder,
  options: StudyOptions,
  before: StudyPlan | undefined,
): Promise<StudyPlan> {
  const { processes = 2, threads = 1, backend = before?.backend ?? "cpu", onEvent } = options;
  const choice = chosen(study, options, before?.choice);
  if (before) refuseOtherStudy(folder.path, before, { study, choice });
  const isPlanned = before && choice.variants.every((name) => Object.hasOwn(before.variants, name));
  const plan = isPlanned
    ? goingOn(before, study, choice)
    : await makePlan(study, choice, {
        ...{ out: folder.path, processes, threads, backend },
        onVariant: (variant) => onEvent?.({ event: "trying", variant }),
      });
  if (before) await refuseOtherImages(folder, before, choice);
  await checkBackend(backend);
  await checkSpace(folder, plan);
  const now = { ...plan, processes, threads, backend };
  await folder.writePlan(now);
  onEvent?.({ event: "plan", plan: now });
  return now;
}

/** They may lie elsewhere than before. */
async function refuseOtherImages(
  { path }: StudyFolder,
  { data }: StudyPlan,
  choice: Choice,
): Promise<void> {
  const { trainImages, testImages } = data;
  const dataset = await openDataset(choice.data, { trainImages, testImages });
  if (((await fingerprint(dataset)) ?? null) === data.fingerprint) return;
  throw new UsageError(
    `${path}: its runs have other images than ${choice.data}: put those back, or begin in another folder (--out)`,
  );
}

/** Recipes stay what they were, should onebit's have changed since. */
function goingOn(before: StudyPlan, study: Study, choice: Choice): StudyPlan {
  return {
    ...{ ...before, study, choice, deviations: deviations(study, choice) },
    data: { ...before.data, spec: choice.data },
    runs: runsOf(study, choice.variants, choice.seeds),
  };
}

async function checkSpace({ path }: StudyFolder, { bytes }: StudyPlan): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const megabytes = (value: number) => `${Math.ceil(value / 1e6)} MB`;
  throw new OnebitError(
    `${path}: the runs need up to ${megabytes(bytes)}, and ${megabytes(free)} are free: free some space, or choose another folder (--out)`,
  );
}

/** Of each run in one sitting. */
const ATTEMPTS = 2;

class Runner {
  readonly #results = new Map<string, RunResult>();
  readonly #attempts = new Map<string, number>();
  readonly #running = new Map<string, { stop(): void; readonly ended: Promise<void> }>();
  #revision: string | null = null;
  #fatal: OnebitError | undefined;

  constructor(
    readonly plan: StudyPlan,
    readonly folder: StudyFolder,
    readonly options: StudyOptions,
  ) {}

  async run(): Promise<StudyResult> {
    const { plan, folder } = this;
    const { signal } = this.options;
    this.#revision = await sourceRevision();
    for (const run of plan.runs) {
      this.#results.set(nameOfRun(run), await resultOf(plan, folder.path, run));
    }
    const stop = () => this.#stop();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      while (!this.#fatal && !signal?.aborted && this.#fill()) await this.#next();
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#stop();
      while (this.#running.size) await this.#next();
    }
    if (this.#fatal) throw this.#fatal;
    const result = await this.#write();
    this.#report(signal);
    return result;
  }

  #stop(): void {
    for (const { stop } of this.#running.values()) stop();
  }

  #next(): Promise<void> {
    return Promise.race([...this.#running.values()].map(({ ended }) => ended));
  }

  /** Starts what may start; whether there is anything to wait for. */
  #fill(): boolean {
    for (const run of this.plan.runs) {
      if (this.#running.size === this.plan.processes) return true;
      if (this.#isReady(run)) this.#start(run);
    }
    return this.#running.size > 0;
  }

  #isReady(run: StudyRun): boolean {
    const name = nameOfRun(run);
    if (this.#running.has(name) || this.#results.get(name)!.status !== "missing") return false;
    const teachers = teachersOf(this.plan.study, run).map((teacher) => nameOfRun(teacher));
    const failed = teachers.find((teacher) => this.#results.get(teacher)?.status === "failed");
    if (failed !== undefined) {
      const before = this.#results.get(name)!;
      this.#results.set(name, { ...before, status: "failed", reason: `${failed} failed` });
      return false;
    }
    return teachers.every((teacher) => this.#results.get(teacher)?.status === "done");
  }

  #start(run: StudyRun): void {
    const { onEvent } = this.options;
    const name = nameOfRun(run);
    const running = startRun(this.#job(run), (news) => {
      onEvent?.({ event: "epoch", ...run, ...news });
    });
    onEvent?.({ event: "run", ...run, pid: running.pid });
    const ended = running.outcome.then(async (outcome) => {
      this.#running.delete(name);
      await this.#ended(run, outcome).catch((error: Error) => {
        this.#fatal ??= error instanceof OnebitError ? error : new OnebitError(error.message);
      });
    });
    this.#running.set(name, { stop: running.stop, ended });
  }

  #job(run: StudyRun): Job {
    const { study, data, variants, threads, backend } = this.plan;
    const { spec, trainImages, testImages } = data;
    const { path: out } = this.folder;
    return {
      priority: this.options.priority ?? "low",
      recipe: variants[run.variant].recipe,
      data: { spec, trainImages, testImages },
      options: {
        ...{ out: folderOfRun(out, run), seed: run.seed, threads, backend },
        observe: study.observe === undefined ? undefined : { every: study.observe },
        validation: study.validation,
        ...teacherPaths(study, run, out),
        teacherViews: study.variants.find(({ name }) => name === run.variant)!.teacherViews,
        revision: this.#revision ?? undefined,
      },
    };
  }

  async #ended(run: StudyRun, outcome: Outcome): Promise<void> {
    const { plan, folder } = this;
    const name = nameOfRun(run);
    if (outcome.told === "stopped") return;
    if (outcome.told === "failed" && outcome.isDiskFull) {
      this.#fatal = new OnebitError(
        `${name}: ${outcome.message}. The study stops; what its runs had done is there: make room and go on with --resume`,
      );
      return;
    }
    if (outcome.told === "failed") await this.#failed(run, outcome.message);
    else this.#results.set(name, await resultOf(plan, folder.path, run));
    const result = this.#results.get(name)!;
    if (result.status !== "missing") {
      this.options.onEvent?.({
        event: "run-ended",
        result,
        done: this.#done,
        of: plan.runs.length,
      });
      await this.#write();
    }
  }

  async #failed(run: StudyRun, message: string): Promise<void> {
    const name = nameOfRun(run);
    const path = folderOfRun(this.folder.path, run);
    const attempts = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempts);
    await makeFolder(path);
    const file = failuresFile(path);
    await appendFile(file, `${JSON.stringify({ message })}\n`).catch((error) => {
      throw explain(error, file);
    });
    const result = await resultOf(this.plan, this.folder.path, run);
    const isLast = attempts === ATTEMPTS;
    this.#results.set(name, isLast ? { ...result, status: "failed", reason: message } : result);
    this.options.onEvent?.({ event: "crash", ...run, message, isLast });
  }

  get #done(): number {
    return [...this.#results.values()].filter(({ status }) => status === "done").length;
  }

  async #write(): Promise<StudyResult> {
    const runs = this.plan.runs.map((run) => this.#results.get(nameOfRun(run))!);
    const result = studyResult(this.plan, runs, this.#revision);
    await writeWhole(this.folder.results, `${readableJson(result)}\n`);
    await writeWhole(this.folder.page, await studyPage(result));
    return result;
  }

  #report(signal: SignalLike | undefined): void {
    const { runs } = this.plan;
    const { path } = this.folder;
    if (signal?.aborted) {
      throw new OnebitError(
        `stopped: ${this.#done} of ${counted(runs.length, "run")} are done. Go on with --resume and the same --out`,
        { cause: signal.reason },
      );
    }
    const failed = [...this.#results.values()].filter(({ status }) => status === "failed");
    if (!failed.length) return;
    const lines = failed.map((run) => `${nameOfRun(run)}: ${run.reason}`);
    throw new OnebitError(
      `${counted(failed.length, "run")} failed, of ${runs.length}; no mean has them:\n  ${lines.join("\n  ")}\n  ${path} has what the others gave. --resume tries these again`,
    );
  }
}
