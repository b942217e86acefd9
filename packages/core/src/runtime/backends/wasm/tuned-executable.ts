import type { Executable } from "../../backend.js";
import type { WasmExecutable } from "./executable.js";

/** Who runs a program for so long runs it again; and V8 has optimised what it runs by then. */
const WARM_MS = 100;

/** Resolves to what is better, if anything. */
type Tune = () => Promise<WasmExecutable | undefined>;

type Outputs = Promise<{ [output: string]: Float32Array }>;

/**
 * Runs a program as it was compiled first, for 100 ms in all. The call in which these are over tunes
 * it: what is better, if anything, computes all later calls. Both give the same bits.
 */
export class TunedExecutable implements Executable {
  #current: WasmExecutable;
  /** The one that the last run's times are of. */
  #ran: WasmExecutable;
  #tune: Tune | undefined;
  #milliseconds = 0;
  #disposed = false;

  constructor(first: WasmExecutable, tune: Tune) {
    this.#current = first;
    this.#ran = first;
    this.#tune = tune;
  }

  get arenaBytes(): number {
    return this.#current.arenaBytes;
  }

  get threads(): number {
    return this.#current.threads;
  }

  get threadsReason(): string | undefined {
    return this.#current.threadsReason;
  }

  get memoryBytes(): number {
    return this.#current.memoryBytes;
  }

  ready(): Promise<number> {
    return this.#current.ready();
  }

  run(images: Float32Array, count: number): Outputs {
    return this.#count((executable) => executable.run(images, count));
  }

  runPlanes(images: Float32Array, count: number): Outputs {
    return this.#count((executable) => executable.runPlanes(images, count));
  }

  profile(): readonly number[] {
    return this.#ran.profile();
  }

  kernels(): readonly string[] {
    return this.#ran.kernels();
  }

  dispose(): void {
    this.#disposed = true;
    this.#tune = undefined;
    this.#current.dispose();
  }

  async #count(run: (executable: WasmExecutable) => Outputs): Outputs {
    this.#ran = this.#current;
    const start = performance.now();
    const outputs = await run(this.#current);
    this.#milliseconds += performance.now() - start;
    if (this.#tune && this.#milliseconds > WARM_MS) await this.#replace(this.#tune);
    return outputs;
  }

  async #replace(tune: Tune): Promise<void> {
    this.#tune = undefined;
    // Where there is no memory to try others, what there is goes on.
    const better = await tune().catch(() => undefined);
    if (!better) return;
    const fewer = (await better.ready()) < this.#current.threads;
    if (this.#disposed || fewer) {
      better.dispose();
      return;
    }
    this.#current.dispose();
    this.#current = better;
  }
}
