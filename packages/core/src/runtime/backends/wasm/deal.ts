import type { Phase } from "./compile.js";
import type { Job } from "./rounds.js";
import type { Runner } from "./runner.js";

/** Pieces of a thread's share of the rows: small enough that others can take over the last ones. */
const PIECES = 4;

/**
 * A phase dealt out to threads: to each a run of the rows, in chunks of whole blocks, or a part of
 * the channels, in one.
 */
export class DealtPhase implements Job {
  readonly #phase: Phase;
  readonly #threads: number;
  readonly #runner: Runner;
  readonly #chunkRows: number;

  constructor(phase: Phase, threads: number, runner: Runner) {
    this.#phase = phase;
    this.#runner = runner;
    this.#threads = threads;
    const { rows, blockRows, rowMultiple } = phase;
    const piece = Math.ceil(rows / threads / PIECES);
    const whole = Math.ceil(piece / blockRows) * blockRows;
    this.#chunkRows = Math.ceil(whole / rowMultiple) * rowMultiple;
  }

  /** Chunks of a thread's share. */
  chunks(share: number): number {
    const { parts } = this.#phase;
    if (parts.length > 1) return share < parts.length ? 1 : 0;
    return Math.ceil((this.#firstRow(share + 1) - this.#firstRow(share)) / this.#chunkRows);
  }

  run(share: number, chunk: number): void {
    const { parts, rows } = this.#phase;
    if (parts.length > 1) {
      this.#runner.runRows(this.#phase, parts[share], 0, rows);
      return;
    }
    const from = this.#firstRow(share) + chunk * this.#chunkRows;
    const to = Math.min(from + this.#chunkRows, this.#firstRow(share + 1));
    this.#runner.runRows(this.#phase, parts[0], from, to);
  }

  #firstRow(share: number): number {
    const { rows, rowMultiple } = this.#phase;
    return rowMultiple * Math.floor(((rows / rowMultiple) * share) / this.#threads);
  }
}
