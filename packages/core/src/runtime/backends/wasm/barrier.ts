import { OnebitError } from "../../../errors.js";

/** Words of the control block. */
const [ARRIVED, ROUND, SLEEPERS] = [0, 1, 2];
const WORDS = 3;
/** Tries before a thread goes to sleep: about as long as the serial parts between two meetings. */
const SPINS = 20_000;
/** A thread that does not come in this time has died. */
const TIMEOUT_MS = 30_000;

/**
 * A point where threads wait for one another, any number of times:
 *
 *   the last to arrive starts the next round and wakes the sleepers; all others watch the round
 *   for a while, then sleep
 *
 * What a thread wrote before it arrived, all see after it. The main thread of a browser may not
 * sleep: there it keeps watching.
 */
export class Barrier {
  readonly control: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #threads: number;

  constructor(
    threads: number,
    control = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.#threads = threads;
    this.control = control;
    this.#words = new Int32Array(control);
  }

  /** patient: waits for ever, asleep. */
  meet(patient = false): void {
    const words = this.#words;
    const round = Atomics.load(words, ROUND);
    if (Atomics.add(words, ARRIVED, 1) === this.#threads - 1) {
      Atomics.store(words, ARRIVED, 0);
      Atomics.add(words, ROUND, 1);
      if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, ROUND);
      return;
    }
    for (let i = 0; i < SPINS; i++) if (Atomics.load(words, ROUND) !== round) return;
    this.#sleep(round, patient);
  }

  #sleep(round: number, patient: boolean): void {
    const words = this.#words;
    const end = patient ? Number.POSITIVE_INFINITY : performance.now() + TIMEOUT_MS;
    Atomics.add(words, SLEEPERS, 1);
    while (Atomics.load(words, ROUND) === round) {
      if (MAY_SLEEP) Atomics.wait(words, ROUND, round, patient ? undefined : TIMEOUT_MS);
      if (performance.now() > end)
        throw new OnebitError("wasm: a thread has died: load the model again");
    }
    Atomics.sub(words, SLEEPERS, 1);
  }
}

const MAY_SLEEP = typeof document === "undefined";
