import { OnebitError } from "../errors.js";
import type { Program, ValueId } from "./types.js";

/** Bounds the work that a forged file can cause here. */
const MAX_SLICES = 4096;

interface Entry {
  /** Micro-op that writes it; all its slices come from one kind. */
  writer?: string;
  /** Written channel ranges, end exclusive. */
  readonly slices: [start: number, end: number][];
  filled: number;
  /** Complete, and the step that completed it is over. */
  readable: boolean;
}

/** Keeps account of who wrote which channels of which value while the checks walk the steps. */
export class ValueLedger {
  readonly #program: Program;
  readonly #entries: Entry[];
  #touched: ValueId[] = [];
  #where = "";

  constructor(program: Program) {
    this.#program = program;
    this.#entries = program.values.map((_, id) => ({
      slices: [],
      filled: 0,
      readable: id === program.input,
    }));
  }

  startStep(where: string): void {
    this.#where = where;
  }

  endStep(): void {
    for (const id of this.#touched) {
      const entry = this.#entries[id];
      entry.readable = entry.filled === this.#program.values[id].shape[2];
    }
    this.#touched = [];
  }

  checkReadable(id: ValueId, what: string): void {
    const value = this.#program.values[id];
    if (!value) throw new OnebitError(`${this.#where}: ${what} ${id} is not the index of a value`);
    if (this.#entries[id].readable) return;
    throw new OnebitError(
      `${this.#where}: ${what} "${value.name}" is not complete before this step`,
    );
  }

  write(id: ValueId, offset: number, channels: number, writer: string, at: string): void {
    const { name, shape } = this.#program.values[id];
    const entry = this.#entries[id];
    if (id === this.#program.input)
      throw new OnebitError(`${at}: writes the program's input "${name}"`);
    if (!Number.isInteger(offset) || offset < 0 || offset + channels > shape[2]) {
      throw new OnebitError(
        `${at}: channels ${offset} to ${offset + channels} lie outside "${name}" [${shape}]`,
      );
    }
    if (entry.writer !== undefined && entry.writer !== writer) {
      throw new OnebitError(`${at}: "${name}" is written by ${entry.writer} elsewhere`);
    }
    if (entry.slices.length >= MAX_SLICES) {
      throw new OnebitError(`${at}: "${name}" is written in more than ${MAX_SLICES} slices`);
    }
    const end = offset + channels;
    if (entry.slices.some(([start, stop]) => offset < stop && start < end)) {
      throw new OnebitError(`${at}: channels ${offset} to ${end} of "${name}" are written twice`);
    }
    entry.writer = writer;
    entry.slices.push([offset, end]);
    entry.filled += channels;
    this.#touched.push(id);
  }

  checkComplete(): void {
    this.#entries.forEach(({ readable, filled }, id) => {
      if (readable) return;
      const { name, shape } = this.#program.values[id];
      throw new OnebitError(
        `value "${name}": only ${filled} of ${shape[2]} channels are ever written`,
      );
    });
  }
}
