import type { Phase, StepTables } from "./compile.js";
import { DealtPhase } from "./deal.js";
import { type Job, Rounds } from "./rounds.js";
import type { Runner } from "./runner.js";

/** What all threads of a team have in common: can be sent to workers. */
export interface Shared {
  readonly steps: readonly StepTables[];
  readonly threads: number;
  /** Bytes from the first arena to each thread's (arenas.ts), for images side by side: int32. */
  readonly shifts: SharedArrayBuffer;
  /** Absent for the first thread to make: see Rounds. */
  readonly control?: SharedArrayBuffer;
}

/** A phase that one thread runs alone, or the number of a job. */
type Entry = Phase | number;

/**
 * One of the threads that run a program together: all of them one image, each parallel phase a job,
 * or several images side by side, which is a job as well. What is not parallel is the first
 * thread's.
 */
export class Member {
  readonly rounds: Rounds;
  readonly #runner: Runner;
  readonly #steps: readonly StepTables[];
  readonly #entries: readonly (readonly Entry[])[];
  readonly #shifts: Int32Array;
  readonly #thread: number;
  readonly #images: number;
  #stepDone: ((index: number) => void) | undefined;

  /** thread: counted from 0. */
  constructor(runner: Runner, shared: Shared, thread: number) {
    const { steps, threads, shifts, control } = shared;
    const jobs: Job[] = [];
    const numberOf = (job: Job) => jobs.push(job) - 1;
    this.#entries = steps.map((step) =>
      step.map((phase) =>
        phase.parallel ? numberOf(new DealtPhase(phase, threads, runner)) : phase,
      ),
    );
    this.#images = numberOf({ chunks: () => 1, run: (share) => this.#runImage(share) });
    this.rounds = new Rounds(jobs, { threads, thread }, control);
    this.#runner = runner;
    this.#steps = steps;
    this.#shifts = new Int32Array(shifts);
    this.#thread = thread;
    runner.moveTo(0, thread);
  }

  /** Of the first thread: the image in the first arena; calls `stepDone` after each step. */
  shareImage(stepDone: (index: number) => void): void {
    this.#entries.forEach((entries, index) => {
      for (const entry of entries) {
        if (typeof entry === "number") this.rounds.run(entry);
        else this.#runner.runPhase(entry);
      }
      stepDone(index);
    });
  }

  /** Of the first thread: an image in every arena; calls `stepDone` after each step of its own. */
  runImages(stepDone: (index: number) => void): void {
    this.#stepDone = stepDone;
    this.rounds.run(this.#images);
  }

  #runImage(share: number): void {
    this.#runner.moveTo(Atomics.load(this.#shifts, share), 0);
    this.#runner.runSteps(this.#steps, this.#stepDone);
    this.#runner.moveTo(0, this.#thread);
  }
}
