import { OnebitError } from "../../../errors.js";

/** Words of a cache line, and of the control block: each line is written by others. */
const LINE = 16;
const [ROUND, SLEEPERS] = [0, 1];
const [DONE, WAITING] = [LINE, LINE + 1];
const TICKETS = 2 * LINE;

/** A ticket: number of the round, then the next chunk of a share in the low bits. */
const CHUNK_BITS = 11;
const CHUNK_MASK = 2 ** CHUNK_BITS - 1;
const ROUNDS = 2 ** (32 - CHUNK_BITS);

/** Tries before a thread goes to sleep: about 0.1 ms, longer than most parts that one does alone. */
const SPINS = 20_000;
/** Work that does not end in this time: a thread has died. */
const TIMEOUT_MS = 30_000;

/** A piece of work: a share for every thread, of chunks that any thread may take. */
export interface Job {
  chunks(share: number): number;
  run(share: number, chunk: number): void;
}

/**
 * Jobs done by threads together, one in each round:
 *
 *   the first thread begins a round: it puts up a ticket per share, with the round's number, chunk 0
 *   every thread takes chunks, from its own share first, then from the others', by adding 1 to tickets
 *   the first thread ends the round when as many chunks are done as there are
 *
 * Nobody waits for a thread that has not taken a chunk: one that is late, or that the system has put
 * aside, costs no time. What was written before a round, all see in it; what was written in it, the
 * first one sees after it. The main thread of a browser may not sleep: there it keeps watching.
 */
export class Rounds {
  readonly control: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #jobs: readonly Job[];
  readonly #threads: number;
  readonly #thread: number;

  /** jobs: the same for all threads, in the same order. thread: counted from 0. */
  constructor(
    jobs: readonly Job[],
    { threads, thread = 0 }: { readonly threads: number; readonly thread?: number },
    control = new SharedArrayBuffer((TICKETS + threads * LINE) * Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.#jobs = jobs;
    this.#threads = threads;
    this.#thread = thread;
    this.control = control;
    this.#words = new Int32Array(control);
    if (thread === 0) this.#words.fill(CHUNK_MASK, TICKETS);
  }

  /** Of the first thread: has a job done; returns when it is. */
  run(job: number): void {
    const words = this.#words;
    let total = 0;
    for (let share = 0; share < this.#threads; share++) total += this.#jobs[job].chunks(share);
    Atomics.store(words, DONE, 0);
    const round = this.#roundOf(job);
    for (let share = 0; share < this.#threads; share++) {
      Atomics.store(words, TICKETS + share * LINE, round << CHUNK_BITS);
    }
    Atomics.store(words, ROUND, round);
    this.rouse();
    this.#work();
    this.#awaitDone(total);
  }

  /** Wakes those who sleep: there is work, or will be soon. */
  rouse(): void {
    if (Atomics.load(this.#words, SLEEPERS) > 0) Atomics.notify(this.#words, ROUND);
  }

  /** Of the other threads: work in every round, until the thread is ended. */
  serve(): never {
    const words = this.#words;
    for (let seen = 0; ; ) {
      const round = Atomics.load(words, ROUND);
      if (round === seen) this.#watch(round);
      else this.#work();
      seen = round;
    }
  }

  /** Until there is another round or somebody calls: awake for a while, then asleep. */
  #watch(round: number): void {
    const words = this.#words;
    for (let i = 0; i < SPINS; i++) if (Atomics.load(words, ROUND) !== round) return;
    Atomics.add(words, SLEEPERS, 1);
    Atomics.wait(words, ROUND, round);
    Atomics.sub(words, SLEEPERS, 1);
  }

  #awaitDone(total: number): void {
    const words = this.#words;
    for (let i = 0; i < SPINS; i++) if (Atomics.load(words, DONE) === total) return;
    const end = performance.now() + TIMEOUT_MS;
    Atomics.store(words, WAITING, 1);
    for (;;) {
      const done = Atomics.load(words, DONE);
      if (done === total) break;
      if (MAY_SLEEP) Atomics.wait(words, DONE, done, TIMEOUT_MS);
      if (performance.now() > end) {
        throw new OnebitError("wasm: a thread has died: load the model again");
      }
    }
    Atomics.store(words, WAITING, 0);
  }

  /** The next round whose number says that it is this job's. */
  #roundOf(job: number): number {
    const jobs = this.#jobs.length;
    const next = Atomics.load(this.#words, ROUND) + 1;
    const round = next + ((((job - next) % jobs) + jobs) % jobs);
    return round < ROUNDS ? round : jobs + job;
  }

  /** Takes chunks as long as there are any. */
  #work(): void {
    let done = 0;
    for (let i = 0; i < this.#threads; i++) {
      const share = (this.#thread + i) % this.#threads;
      while (this.#takeFrom(share)) done++;
    }
    if (done === 0) return;
    Atomics.add(this.#words, DONE, done);
    if (Atomics.load(this.#words, WAITING) > 0) Atomics.notify(this.#words, DONE);
  }

  /** Runs the next chunk of a share; false where none is left. */
  #takeFrom(share: number): boolean {
    const words = this.#words;
    const at = TICKETS + share * LINE;
    if (!this.#names(Atomics.load(words, at), share)) return false;
    // Another round may have begun since: what counts is the ticket that was taken.
    const ticket = Atomics.add(words, at, 1);
    if (!this.#names(ticket, share)) return false;
    this.#jobOf(ticket).run(share, ticket & CHUNK_MASK);
    return true;
  }

  /** Whether a ticket is for a chunk that its job has. */
  #names(ticket: number, share: number): boolean {
    return (ticket & CHUNK_MASK) < this.#jobOf(ticket).chunks(share);
  }

  #jobOf(ticket: number): Job {
    return this.#jobs[(ticket >>> CHUNK_BITS) % this.#jobs.length];
  }
}

const MAY_SLEEP = typeof document === "undefined";
