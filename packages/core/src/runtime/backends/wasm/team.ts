import { startWorker, type WorkerHandle } from "../../../platform/worker.js";
import { Barrier } from "./barrier.js";
import type { StepTables } from "./compile.js";
import type { Machine, Runner } from "./runner.js";
import { Member } from "./thread-loop.js";

/** What a worker is started with: see team-worker.ts. */
export interface WorkerTask {
  readonly machine: Machine;
  readonly steps: readonly StepTables[];
  readonly thread: number;
  readonly threads: number;
  readonly control: SharedArrayBuffer;
  /** One word: how many workers are ready. */
  readonly ready: SharedArrayBuffer;
}

const browserWorker = () =>
  new Worker(new URL("./team-worker.js", import.meta.url), { type: "module" });

/** True where threads can share memory: a page must be cross-origin isolated. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer !== "undefined" && globalThis.crossOriginIsolated !== false;
}

/** A worker that has not started by then never will. */
const START_MS = 10_000;

/**
 * Threads that run a program's steps together with the one that calls. They sleep between images
 * and do not keep the process alive. Until all of them have started, the caller works alone.
 */
export class Team {
  readonly #member: Member;
  readonly #steps: readonly StepTables[];
  readonly #workers: readonly WorkerHandle[];
  #disposed = false;
  readonly #ready = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  constructor(machine: Machine, runner: Runner, steps: readonly StepTables[], threads: number) {
    const barrier = new Barrier(threads);
    this.#member = new Member(runner, barrier, 0, threads);
    this.#steps = steps;
    this.#workers = Array.from({ length: threads - 1 }, (_, i) => {
      const shared = { control: barrier.control, ready: this.#ready.buffer as SharedArrayBuffer };
      const task: WorkerTask = { machine, steps, thread: i + 1, threads, ...shared };
      return startWorker(new URL("./team-worker.js", import.meta.url), browserWorker, task);
    });
  }

  get threads(): number {
    return this.#workers.length + 1;
  }

  /** Whether every thread has started: until then the caller works alone. */
  get complete(): boolean {
    return Atomics.load(this.#ready, 0) === this.#workers.length;
  }

  /** Threads at work, once all have started or one of them could not. */
  async ready(): Promise<number> {
    const end = performance.now() + START_MS;
    while (!this.complete) {
      const failed = this.#workers.some((worker) => worker.failed);
      if (failed || this.#disposed || performance.now() > end) return 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return this.threads;
  }

  /** One image; calls `stepDone` after each step. */
  runImage(stepDone: (index: number) => void): void {
    this.#member.start();
    this.#steps.forEach((step, index) => {
      this.#member.runStep(step);
      stepDone(index);
    });
  }

  dispose(): void {
    this.#disposed = true;
    for (const worker of this.#workers) worker.terminate();
  }
}
