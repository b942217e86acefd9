import { OnebitError } from "../../../errors.js";
import { elementCount } from "../../../program/geometry.js";
import type { Program, ValueId } from "../../../program/types.js";
import type { Executable } from "../../backend.js";
import { checkBatch } from "../../batch.js";
import { toChannelsLast } from "../../channels-last.js";
import type { KernelBuild } from "./beside.js";
import { boot } from "./boot.js";
import type { CompiledProgram, StepTables } from "./compile.js";
import { addressOf } from "./memory-plan.js";
import { fastestBuild, type KernelFile } from "./module.js";
import type { Runner } from "./runner.js";
import type { Team } from "./team.js";
import type { ValueLayout } from "./value-layout.js";

/** What runs a program until it is disposed of: nothing else holds the memory. */
interface Engine {
  readonly runner: Runner;
  readonly memory: WebAssembly.Memory;
  readonly team?: Team;
  readonly aloneReason?: string;
}

export interface InstantiateOptions extends KernelFile {
  /** As many as the program was compiled for. */
  readonly threads?: number;
  /** What the plan has allocated. */
  readonly memory?: WebAssembly.Memory;
  /** Why there is one thread where more were asked for. */
  readonly aloneReason?: string;
}

/** Of a batch: [count, H, W, C], or [count, C, H, W] where they are planes. */
interface Images {
  readonly data: Float32Array;
  readonly planes: boolean;
}

interface Result {
  readonly id: ValueId;
  readonly data: Float32Array;
}

/**
 * One compiled program in one linear memory. Of a batch, as many images as give every thread the
 * same number run side by side; the threads share the rows of the rest, one image after another.
 */
export class WasmExecutable implements Executable {
  /** Of one image. From the first batch on, each further thread has as much again for its own. */
  readonly arenaBytes: number;
  readonly memoryBytes: number;
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
    { threads = 1, memory, build = fastestBuild(), assets, aloneReason }: InstantiateOptions = {},
  ): Promise<WasmExecutable> {
    const shared = threads > 1;
    const gathering = shared ? import("./team.js") : undefined;
    gathering?.catch(() => {});
    const { machine, runner } = await boot(compiled, { shared, build, assets, memory });
    const sharing = { arena: compiled.plan.arena(), threads, assets };
    const { Team } = (await gathering) ?? {};
    const team = Team && new Team(machine, runner, compiled.steps, sharing);
    const names = compiled.kernels.map((name) => kernelName(name, build));
    return new WasmExecutable(program, compiled, names, {
      ...{ runner, memory: machine.memory, team, aloneReason },
    });
  }

  private constructor(
    program: Program,
    { plan, layouts, steps }: CompiledProgram,
    kernels: readonly string[],
    engine: Engine,
  ) {
    this.arenaBytes = plan.arenaBytes;
    this.memoryBytes = plan.memoryBytes;
    this.#program = program;
    this.#layouts = layouts;
    this.#steps = steps;
    this.#kernels = kernels;
    this.#engine = engine;
    this.#milliseconds = new Float64Array(program.steps.length);
  }

  /** Threads at work, once all have started or one of them could not. */
  async ready(): Promise<number> {
    return (await this.#engine?.team?.ready()) ?? 1;
  }

  get threads(): number {
    const team = this.#engine?.team;
    return team && team.failure === undefined ? team.threads : 1;
  }

  get threadsReason(): string | undefined {
    return this.#engine?.team?.failure ?? this.#engine?.aloneReason;
  }

  run(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    return this.#run({ data: images, planes: false }, count);
  }

  runPlanes(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    return this.#run({ data: images, planes: true }, count);
  }

  async #run(images: Images, count: number): Promise<{ [output: string]: Float32Array }> {
    const { input, values, outputs } = this.#program;
    const engine = this.#engine;
    if (!engine) throw new OnebitError("wasm: this model has been disposed of: load it again");
    const size = elementCount(values[input].shape);
    checkBatch(images.data, count, size);
    const results = Object.entries(outputs).map(([name, id]) => {
      const data = new Float32Array(count * elementCount(values[id].shape));
      return { name, id, data };
    });
    this.#milliseconds.fill(0);
    for (let n = 0; n < count; ) n += this.#runNext(engine, images, results, n, count - n);
    return Object.fromEntries(results.map(({ name, data }) => [name, data]));
  }

  /** Image n, or as many as there are threads where so many are left; returns how many. */
  #runNext(
    engine: Engine,
    { data, planes }: Images,
    results: readonly Result[],
    n: number,
    left: number,
  ): number {
    const { input, values } = this.#program;
    const size = elementCount(values[input].shape);
    const team = engine.team?.complete ? engine.team : undefined;
    team?.rouse();
    const arenas = team?.arenasFor(left) ?? [0];
    const floats = new Float32Array(engine.memory.buffer);
    arenas.forEach((shift, i) => {
      const image = data.subarray((n + i) * size, (n + i + 1) * size);
      if (planes) this.#writePlanes(floats, input, image, shift);
      else this.#write(floats, input, image, shift);
    });
    const stepDone = this.#stopwatch();
    if (team) team.run(arenas, stepDone);
    else engine.runner.runSteps(this.#steps, stepDone);
    arenas.forEach((shift, i) => {
      for (const { id, data: output } of results) this.#read(floats, id, output, n + i, shift);
    });
    return arenas.length;
  }

  /**
   * Milliseconds per step of the last run, all images together. Images side by side count once, as
   * long as the first thread's takes: the steps add up to the time of the run, not to that of all
   * threads.
   */
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

  /** To be told when a step is done: adds the time since the one before to its own. */
  #stopwatch(): (index: number) => void {
    let before = performance.now();
    return (index) => {
      const after = performance.now();
      this.#milliseconds[index] += after - before;
      before = after;
    };
  }

  #write(floats: Float32Array, id: ValueId, image: Float32Array, shift: number): void {
    const { first, stride, channels } = this.#pixels(id, shift);
    if (stride === channels) {
      floats.set(image, first);
      return;
    }
    for (let from = 0, to = first; from < image.length; from += channels, to += stride) {
      floats.set(image.subarray(from, from + channels), to);
    }
  }

  #writePlanes(floats: Float32Array, id: ValueId, image: Float32Array, shift: number): void {
    const { first, stride, channels } = this.#pixels(id, shift);
    if (stride === channels) {
      toChannelsLast(image, this.#program.values[id].shape, floats.subarray(first));
      return;
    }
    const plane = image.length / channels;
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < plane; i++) floats[first + i * stride + c] = image[c * plane + i];
  }

  #read(floats: Float32Array, id: ValueId, data: Float32Array, n: number, shift: number): void {
    const { first, stride, channels } = this.#pixels(id, shift);
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

  /** Where the pixels of a map or vector lie in the arena at `shift`, counted in floats. */
  #pixels(id: ValueId, shift: number): { first: number; stride: number; channels: number } {
    const { place, pixelBytes, value } = this.#layouts[id];
    return {
      first: (addressOf(place) + shift) / 4,
      stride: pixelBytes / 4,
      channels: value.shape[2],
    };
  }
}

/** Lookups are what the builds differ in. */
function kernelName(name: string, build: KernelBuild): string {
  return build === "relaxed" ? name.replace("lookup", "relaxed lookup") : name;
}
