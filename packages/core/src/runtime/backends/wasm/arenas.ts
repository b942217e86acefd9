import { type ArenaLayout, PAGE } from "./memory-plan.js";

/**
 * An arena for every thread, so that each can run an image of its own: values, scratch and the
 * tables that say where they lie. Weights and parameters are common.
 *
 *   [first arena][weights, parameters] as planned, then what the memory grows by:
 *   [second arena][third arena] ...    each a copy of the first, its own addresses moved along
 *
 * They take memory from the first batch on, none before.
 */
export class Arenas {
  readonly #memory: WebAssembly.Memory;
  readonly #layout: ArenaLayout;
  readonly #threads: number;
  #shifts: readonly number[] | undefined;

  constructor(memory: WebAssembly.Memory, layout: ArenaLayout, threads: number) {
    this.#memory = memory;
    this.#layout = layout;
    this.#threads = threads;
  }

  /** Bytes from the first arena to that of each thread; just [0] where there is no memory for more. */
  shifts(): readonly number[] {
    this.#shifts ??= this.#grow();
    return this.#shifts;
  }

  #grow(): readonly number[] {
    const { address, bytes } = this.#layout;
    const first = this.#memory.buffer.byteLength - address;
    try {
      this.#memory.grow(Math.ceil(((this.#threads - 1) * bytes) / PAGE));
    } catch {
      return [0];
    }
    const further = Array.from({ length: this.#threads - 1 }, (_, i) => first + i * bytes);
    for (const shift of further) this.#copyTables(shift);
    return [0, ...further];
  }

  #copyTables(shift: number): void {
    const { address, bytes, tables, inner } = this.#layout;
    const words = new Int32Array(this.#memory.buffer);
    words.copyWithin((tables + shift) / 4, tables / 4, (address + bytes) / 4);
    for (const word of inner) words[word + shift / 4] += shift;
  }
}
