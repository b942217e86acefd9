import { BudgetError, checkBatch, type Executable, OnebitError } from "onebit";
import { elementCount, type Program } from "onebit/program";
import type { Addon, Handle } from "./addon.js";

/** The addon throws plain errors; what they say is meant for users. */
export function orOnebitError<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    if (code === "OVER_BUDGET") throw BudgetError.because(message);
    throw new OnebitError(message, { cause: error });
  }
}

/** A program compiled by the addon. */
export class NativeExecutable implements Executable {
  readonly #addon: Addon;
  readonly #handle: Handle;
  readonly #inputSize: number;
  readonly #outputs: readonly (readonly [name: string, size: number])[];

  /** At work; fewer than were asked for where the system starts no more. */
  readonly threads: number;
  readonly threadsReason: string | undefined;

  constructor(
    addon: Addon,
    handle: Handle,
    { values, input, outputs }: Program,
    threadsAsked: number,
  ) {
    this.#addon = addon;
    this.#handle = handle;
    this.threads = addon.threads(handle);
    if (this.threads < threadsAsked) {
      this.threadsReason = "the system starts no more (a limit of processes or memory)";
    }
    this.#inputSize = elementCount(values[input].shape);
    this.#outputs = Object.entries(outputs).map(([name, id]) => [
      name,
      elementCount(values[id].shape),
    ]);
  }

  run(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    return this.#run(images, count, false);
  }

  runPlanes(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    return this.#run(images, count, true);
  }

  async #run(images: Float32Array, count: number, planes: boolean) {
    checkBatch(images, count, this.#inputSize);
    const results = this.#outputs.map(
      ([name, size]) => [name, new Float32Array(count * size)] as const,
    );
    const data = results.map(([, output]) => output);
    await orOnebitError(() => this.#addon.run(this.#handle, images, count, data, planes));
    return Object.fromEntries(results);
  }

  profile(): readonly number[] {
    return this.#addon.profile(this.#handle);
  }

  kernels(): readonly string[] {
    return this.#addon.kernels(this.#handle);
  }

  /** Memory for the values of one image, weights apart. */
  get arenaBytes(): number {
    return this.#addon.arenaBytes(this.#handle);
  }

  get memoryBytes(): number {
    return this.#addon.memoryBytes(this.#handle);
  }

  dispose(): void {
    this.#addon.dispose(this.#handle);
  }
}
