import { OnebitError } from "../../../errors.js";
import { elementCount } from "../../../program/geometry.js";
import type { Program, ValueId } from "../../../program/types.js";
import type { Executable } from "../../backend.js";
import type { CompiledProgram } from "./compile.js";
import { addressOf } from "./memory-plan.js";

/** What kernels/index.ts exports. */
export interface Kernels {
  runStep(address: number): void;
}

/** One compiled program in one linear memory; images run one after another. */
export class WasmExecutable implements Executable {
  readonly #program: Program;
  readonly #compiled: CompiledProgram;
  readonly #kernels: Kernels;
  readonly #milliseconds: Float64Array;
  #floats: Float32Array | undefined;

  constructor(
    program: Program,
    compiled: CompiledProgram,
    memory: WebAssembly.Memory,
    kernels: Kernels,
  ) {
    this.#program = program;
    this.#compiled = compiled;
    this.#kernels = kernels;
    this.#floats = new Float32Array(memory.buffer);
    this.#milliseconds = new Float64Array(program.steps.length);
  }

  async run(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    const { input, values, outputs } = this.#program;
    const floats = this.#floats;
    if (!floats) throw new OnebitError("wasm: this model has been disposed of: load it again");
    const size = elementCount(values[input].shape);
    if (images.length !== count * size) {
      throw new OnebitError(
        `wasm: ${images.length} numbers are not ${count} images of [${values[input].shape}]`,
      );
    }
    const results = Object.entries(outputs).map(([name, id]) => {
      const data = new Float32Array(count * elementCount(values[id].shape));
      return { name, id, data };
    });
    this.#milliseconds.fill(0);
    for (let n = 0; n < count; n++) {
      this.#write(floats, input, images.subarray(n * size, (n + 1) * size));
      this.#runSteps();
      for (const { id, data } of results) this.#read(floats, id, data, n);
    }
    return Object.fromEntries(results.map(({ name, data }) => [name, data]));
  }

  /** Milliseconds per step of the last run, all images together. */
  profile(): readonly number[] {
    return [...this.#milliseconds];
  }

  dispose(): void {
    this.#floats = undefined;
  }

  #runSteps(): void {
    let before = performance.now();
    this.#compiled.steps.forEach((step, index) => {
      this.#kernels.runStep(step);
      const after = performance.now();
      this.#milliseconds[index] += after - before;
      before = after;
    });
  }

  #write(floats: Float32Array, id: ValueId, image: Float32Array): void {
    const { first, stride, channels } = this.#pixels(id);
    if (stride === channels) {
      floats.set(image, first);
      return;
    }
    for (let from = 0, to = first; from < image.length; from += channels, to += stride) {
      floats.set(image.subarray(from, from + channels), to);
    }
  }

  #read(floats: Float32Array, id: ValueId, data: Float32Array, n: number): void {
    const { first, stride, channels } = this.#pixels(id);
    const size = elementCount(this.#program.values[id].shape);
    const image = data.subarray(n * size, (n + 1) * size);
    if (stride === channels) {
      image.set(floats.subarray(first, first + size));
      return;
    }
    for (let to = 0, from = first; to < size; to += channels, from += stride) {
      for (let c = 0; c < channels; c++) image[to + c] = floats[from + c];
    }
  }

  /** Where the pixels of a map or vector lie, counted in floats. */
  #pixels(id: ValueId): { first: number; stride: number; channels: number } {
    const { place, pixelBytes, value } = this.#compiled.layouts[id];
    return { first: addressOf(place) / 4, stride: pixelBytes / 4, channels: value.shape[2] };
  }
}
