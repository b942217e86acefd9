import type { Barrier } from "./barrier.js";
import type { StepTables } from "./compile.js";
import type { Runner } from "./runner.js";

/**
 * One of the threads that run a program together. Rows of parallel phases are dealt out in equal
 * runs; everything else is the first thread's. Threads meet after what is shared, and before it
 * where the first one has done something alone.
 */
export class Member {
  readonly #runner: Runner;
  readonly #barrier: Barrier;
  readonly #thread: number;
  readonly #threads: number;
  #alone = false;

  /** thread: counted from 0. */
  constructor(runner: Runner, barrier: Barrier, thread: number, threads: number) {
    this.#runner = runner;
    this.#barrier = barrier;
    this.#thread = thread;
    this.#threads = threads;
  }

  /** Waits for an image; the others of a team sleep until the first one calls this. */
  start(): void {
    this.#barrier.meet(this.#thread > 0);
    this.#alone = false;
  }

  runStep(step: StepTables): void {
    for (const phase of step) {
      if (!phase.parallel) {
        this.#alone = true;
        if (this.#thread === 0) this.#runner.runRows(phase, 0, phase.rows);
        continue;
      }
      if (this.#alone) this.#barrier.meet();
      this.#runner.runRows(phase, this.#share(phase.rows, 0), this.#share(phase.rows, 1));
      this.#barrier.meet();
      this.#alone = false;
    }
  }

  #share(rows: number, end: 0 | 1): number {
    return Math.floor((rows * (this.#thread + end)) / this.#threads);
  }
}
