import type { Assets } from "../../../platform/web-types.js";
import type { WorkerHandle } from "../../../platform/worker.js";
import { VERSION } from "../../../version.js";
import { Arenas } from "./arenas.js";
import { startTeamWorker } from "./assets.js";
import type { StepTables } from "./compile.js";
import { Member, type Shared } from "./member.js";
import type { ArenaLayout } from "./memory-plan.js";
import type { Machine, Runner } from "./runner.js";

/** What a worker is started with: see team-worker.ts. */
export interface WorkerTask {
  readonly machine: Machine;
  readonly shared: Shared;
  readonly thread: number;
  /** One word: how many workers are ready. */
  readonly ready: SharedArrayBuffer;
  /** That of the caller's code. */
  readonly version: string;
}

const sharedWords = (count: number) =>
  new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));

/** What the members of a team share, and where their code is. */
export interface Sharing {
  readonly arena: ArenaLayout;
  readonly threads: number;
  readonly assets?: Assets;
}

/** A worker that has not started by then never will. */
const START_MS = 10_000;

/**
 * Threads that run a program's steps together with the one that calls. They sleep between images
 * and do not keep the process alive. Until all of them have started, the caller works alone.
 */
export class Team {
  readonly #arenas: Arenas;
  readonly #member: Member;
  readonly #workers: readonly WorkerHandle[];
  #disposed = false;
  #late = false;
  #failure: string | undefined;
  readonly #ready = sharedWords(1);
  readonly #shifts: Int32Array<SharedArrayBuffer>;

  constructor(
    machine: Machine,
    runner: Runner,
    steps: readonly StepTables[],
    { arena, threads, assets }: Sharing,
  ) {
    this.#arenas = new Arenas(machine.memory, arena, threads);
    this.#shifts = sharedWords(threads);
    const common = { steps, threads, shifts: this.#shifts.buffer };
    this.#member = new Member(runner, common, 0);
    const shared = { ...common, control: this.#member.rounds.control };
    this.#workers = Array.from({ length: threads - 1 }, (_, i) => {
      const own = { thread: i + 1, version: VERSION };
      const task: WorkerTask = { machine, shared, ready: this.#ready.buffer, ...own };
      return startTeamWorker(task, this.#fail, assets);
    });
  }

  get threads(): number {
    return this.#workers.length + 1;
  }

  /** Why the caller works alone: a thread could not start, has died, or takes too long to start. */
  get failure(): string | undefined {
    if (this.#failure !== undefined || this.complete) return this.#failure;
    return this.#late ? `a thread has not started within ${START_MS / 1000} s` : undefined;
  }

  /** Whether every thread has started: until then the caller works alone. */
  get complete(): boolean {
    return this.#failure === undefined && this.#started === this.#workers.length;
  }

  get #started(): number {
    return Atomics.load(this.#ready, 0);
  }

  /** One is missing: the others have nothing to do. */
  readonly #fail = (reason: string): void => {
    if (this.#failure !== undefined) return;
    this.#failure =
      this.#started < this.#workers.length
        ? `a thread could not start: ${reason}`
        : `a thread has died: ${reason}`;
    for (const worker of this.#workers) worker.terminate();
  };

  /** Threads at work, once all have started or one of them could not. */
  async ready(): Promise<number> {
    const end = performance.now() + START_MS;
    while (!this.complete) {
      if (this.failure !== undefined || this.#disposed) return 1;
      if (performance.now() > end) this.#late = true;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return this.threads;
  }

  /** Work comes soon: sleepers wake up while the caller writes it down. */
  rouse(): void {
    this.#member.rounds.rouse();
  }

  /**
   * Where to put the next images of `left`, as bytes from the first arena to each: an arena for
   * every thread, or the first one alone.
   */
  arenasFor(left: number): readonly number[] {
    return left < this.threads ? [0] : this.#arenas.shifts();
  }

  /**
   * The image in each of the arenas, side by side, or, threads together, that in the first one;
   * calls `stepDone` after each step of those that the caller runs.
   */
  run(arenas: readonly number[], stepDone: (index: number) => void): void {
    if (arenas.length === 1) {
      this.#member.shareImage(stepDone);
      return;
    }
    this.#shifts.set(arenas);
    this.#member.runImages(stepDone);
  }

  dispose(): void {
    this.#disposed = true;
    for (const worker of this.#workers) worker.terminate();
  }
}
