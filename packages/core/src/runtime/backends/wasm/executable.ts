import { OnebitError } from "../../../errors.js";
import { elementCount } from "../../../program/geometry.js";
import type { Program, ValueId } from "../../../program/types.js";
import type { Executable } from "../../backend.js";
import type { CompiledProgram } from "./compile.js";
import { addressOf } from "./memory-plan.js";
import type { ValueLayout } from "./value-layout.js";

/** What kernels/index.ts exports. */
interface Kernels {
  runStep(address: number): void;
}

/** One compiled program in one linear memory; images run one after another. */
export class WasmExecutable implements Executable {
  readonly #program: Program;
  readonly #layouts: readonly ValueLayout[];
  readonly #steps: readonly number[];
  readonly #milliseconds: Float64Array;
  /** Undefined once disposed of: nothing else holds the memory. */
  #machine: { readonly kernels: Kernels; readonly floats: Float32Array } | undefined;

  /** Takes the constants out of the plan: a compiled program makes one executable. */
  static async instantiate(
    module: WebAssembly.Module,
    program: Program,
    compiled: CompiledProgram,
    memory = compiled.plan.allocate(),
  ): Promise<WasmExecutable> {
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    return new WasmExecutable(program, compiled, memory, exports as unknown as Kernels);
  }

  private constructor(
    program: Program,
    { layouts, steps }: CompiledProgram,
    memory: WebAssembly.Memory,
    kernels: Kernels,
  ) {
    this.#program = program;
    this.#layouts = layouts;
    this.#steps = steps;
    this.#machine = { kernels, floats: new Float32Array(memory.buffer) };
    this.#milliseconds = new Float64Array(program.steps.length);
  }

  async run(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    const { input, values, outputs } = this.#program;
    if (!this.#machine)
      throw new OnebitError("wasm: this model has been disposed of: load it again");
    const { kernels, floats } = this.#machine;
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
      this.#runSteps(kernels);
      for (const { id, data } of results) this.#read(floats, id, data, n);
    }
    return Object.fromEntries(results.map(({ name, data }) => [name, data]));
  }

  /** Milliseconds per step of the last run, all images together. */
  profile(): readonly number[] {
    return [...this.#milliseconds];
  }

  dispose(): void {
    this.#machine = undefined;
  }

  #runSteps(kernels: Kernels): void {
    let before = performance.now();
    this.#steps.forEach((step, index) => {
      kernels.runStep(step);
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
    const { place, pixelBytes, value } = this.#layouts[id];
    return { first: addressOf(place) / 4, stride: pixelBytes / 4, channels: value.shape[2] };
  }
}
