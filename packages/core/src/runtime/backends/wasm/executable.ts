import { OnebitError } from "../../../errors.js";
import { elementCount } from "../../../program/geometry.js";
import type { Program, ValueId } from "../../../program/types.js";
import type { Executable } from "../../backend.js";
import { compileEpilogues } from "./codegen/epilogue-module.js";
import type { CompiledProgram, StepTables } from "./compile.js";
import { addressOf } from "./memory-plan.js";
import { type KernelBuild, loadKernels } from "./module.js";
import { instantiateKernels, type Kernels, type Machine, Runner } from "./runner.js";
import { Team } from "./team.js";
import type { ValueLayout } from "./value-layout.js";

/** What runs a program until it is disposed of: nothing else holds the memory. */
interface Engine {
  readonly runner: Runner;
  readonly team?: Team;
  readonly floats: Float32Array;
}

export interface InstantiateOptions {
  /** As many as the program was compiled for. */
  readonly threads?: number;
  /** What the plan has allocated. */
  readonly memory?: WebAssembly.Memory;
  readonly build?: KernelBuild;
}

/** One compiled program in one linear memory; images run one after another. */
export class WasmExecutable implements Executable {
  readonly arenaBytes: number;
  readonly #program: Program;
  readonly #layouts: readonly ValueLayout[];
  readonly #steps: readonly StepTables[];
  readonly #kernels: readonly string[];
  readonly #milliseconds: Float64Array;
  /** Undefined once disposed of. */
  #engine: Engine | undefined;

  /** Takes the constants out of the plan: a compiled program makes one executable. */
  static async instantiate(
    program: Program,
    compiled: CompiledProgram,
    { threads = 1, memory = compiled.plan.allocate(), build }: InstantiateOptions = {},
  ): Promise<WasmExecutable> {
    const shared = threads > 1;
    // Compiled on other threads while this one lays out the weights.
    const compiling = compileEpilogues(compiled.epilogues, shared);
    compiling.catch(() => {});
    const module = await loadKernels(shared, build);
    const kernels = await instantiateKernels(module, memory);
    prepare(compiled, memory, kernels);
    const { scratchBytes } = compiled.plan;
    const machine = { memory, kernels: module, epilogues: await compiling, scratchBytes };
    const runner = await Runner.on(kernels, machine);
    return new WasmExecutable(program, compiled, machine, runner, threads);
  }

  private constructor(
    program: Program,
    { plan, layouts, steps, kernels }: CompiledProgram,
    machine: Machine,
    runner: Runner,
    threads: number,
  ) {
    this.arenaBytes = plan.arenaBytes;
    this.#program = program;
    this.#layouts = layouts;
    this.#steps = steps;
    this.#kernels = kernels;
    const team = threads > 1 ? new Team(machine, runner, steps, threads) : undefined;
    this.#engine = { runner, team, floats: new Float32Array(machine.memory.buffer) };
    this.#milliseconds = new Float64Array(program.steps.length);
  }

  /** Threads at work, once all have started or one of them could not. */
  async ready(): Promise<number> {
    return (await this.#engine?.team?.ready()) ?? 1;
  }

  async run(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    const { input, values, outputs } = this.#program;
    const engine = this.#engine;
    if (!engine) throw new OnebitError("wasm: this model has been disposed of: load it again");
    const { floats } = engine;
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
      this.#runSteps(engine);
      for (const { id, data } of results) this.#read(floats, id, data, n);
    }
    return Object.fromEntries(results.map(({ name, data }) => [name, data]));
  }

  /** Milliseconds per step of the last run, all images together. */
  profile(): readonly number[] {
    return [...this.#milliseconds];
  }

  kernels(): readonly string[] {
    return this.#kernels;
  }

  dispose(): void {
    this.#engine?.team?.dispose();
    this.#engine = undefined;
  }

  #runSteps({ runner, team }: Engine): void {
    let before = performance.now();
    const stepDone = (index: number) => {
      const after = performance.now();
      this.#milliseconds[index] += after - before;
      before = after;
    };
    if (team?.complete) {
      team.runImage(stepDone);
      return;
    }
    this.#steps.forEach((step, index) => {
      runner.runStep(step);
      stepDone(index);
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

/** Lays out the weights. */
function prepare({ preparations }: CompiledProgram, memory: WebAssembly.Memory, kernels: Kernels) {
  const bytes = new Uint8Array(memory.buffer);
  for (const { data, address, list } of preparations) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address);
    kernels.runList(list.address, list.count, 0, 0);
  }
}
