import { OnebitError } from "../../../errors.js";
import type { Preprocess } from "../../../image/preprocess.js";
import { readsOf, writesOf } from "../../../program/micro-ops.js";
import type { Program, ProgramTensors } from "../../../program/types.js";
import type { Executable, StepValues, TakenPictures } from "../../backend.js";
import { checkBatch } from "../../batch.js";
import { DEFAULT_BUDGET } from "../../budget.js";
import type { ImageList } from "../../image-input.js";
import type { Preparing } from "../../run-images.js";
import { checkThere } from "../../tensors-there.js";
import {
  type CompiledProgram,
  compileProgram,
  LIMITS,
  type Limits,
  type PreferForm,
  sizeOf,
} from "./compile.js";
import { acquireGpu, type Gpu } from "./device.js";
import { LoadedProgram } from "./loaded.js";
import { preparePictures } from "./pictures.js";
import { preferredForms } from "./tune.js";
import { toValues, toWords } from "./value-words.js";

export interface MakeOptions {
  readonly memory?: number;
  /** For tests: which form computes a binary convolution. */
  readonly prefer?: PreferForm;
  /** For tests: what becomes of each shader. */
  readonly rewrite?: (shader: string) => string;
  /** For tests: what every word of the arena is at first. */
  readonly fill?: number;
  /** For tests: subgroups of so many threads, 1 being none. Default: those of the device. */
  readonly subgroup?: number;
  /** For tests: less than the device allows. */
  readonly limits?: Partial<Limits>;
}

/** A program on the GPU; on a fresh device where the last one has been lost. */
export class WebgpuExecutable implements Executable {
  readonly #program: Program;
  /** On the device that is in use, or was last. */
  #loaded: LoadedProgram;
  readonly #make: () => Promise<Made>;
  #made: Promise<Made> | undefined;
  #disposed = false;
  readonly threads = 1;
  readonly threadsReason = "the webgpu backend runs on the GPU, whatever the threads";
  readonly arenaBytes: number;
  readonly memoryBytes: number;
  readonly #kernels: readonly string[];

  static async create(
    program: Program,
    tensors: ProgramTensors,
    options: MakeOptions,
  ): Promise<WebgpuExecutable> {
    const make = () => makeOnGpu(program, tensors, options);
    return new WebgpuExecutable(program, make, await make());
  }

  private constructor(program: Program, make: () => Promise<Made>, made: Made) {
    this.#program = program;
    this.#loaded = made.loaded;
    this.#make = make;
    this.#made = Promise.resolve(made);
    const { arenaWords, memoryBytes, kernels } = made.compiled;
    this.arenaBytes = 4 * arenaWords;
    this.memoryBytes = memoryBytes;
    this.#kernels = kernels;
  }

  async run(images: Float32Array, count: number): Promise<{ [output: string]: Float32Array }> {
    checkBatch(images, count, sizeOf(this.#program, this.#program.input));
    const own = images.slice();
    return this.#onDevice(({ loaded }) => loaded.run(own, count));
  }

  takePictures(
    images: ImageList,
    how: Preprocess,
    preparing: Preparing,
  ): TakenPictures | undefined {
    const { gpu } = this.#loaded;
    const { shape } = this.#program.values[this.#program.input];
    if (this.#disposed || gpu.lost !== undefined || !fits(how, shape)) return undefined;
    const prepared = preparePictures(gpu, images, how, preparing);
    if (!prepared) return undefined;
    // Told when its turn comes.
    prepared.catch(() => {});
    const run = async () => {
      const { images: buffer, seen } = await prepared;
      const running = this.#onDevice(async ({ loaded }) => {
        if (loaded.gpu !== gpu) throw new OnebitError(LOST_PICTURES);
        return loaded.run(buffer, images.list.length);
      });
      const [outputs] = await Promise.all([running, seen]).finally(() => buffer.destroy());
      return outputs;
    };
    return { run };
  }

  async runStep(index: number, given: StepValues): Promise<StepValues> {
    const { values, steps } = this.#program;
    const written = writesOf(steps[index]);
    const words = new Map(
      readsOf(steps[index]).map((id) => [id, toWords(values[id], given.get(id)!)]),
    );
    const found = await this.#onDevice(({ loaded }) => loaded.runStep(index, words, written));
    return new Map(written.map((id) => [id, toValues(values[id], found.get(id)!)]));
  }

  kernels(): readonly string[] {
    return this.#kernels;
  }

  dispose(): void {
    this.#disposed = true;
    this.#made?.then(({ loaded }) => loaded.dispose()).catch(() => {});
    this.#made = undefined;
  }

  /** Once more on a fresh device, where this one is lost before or meanwhile. */
  async #onDevice<T>(work: (made: Made) => Promise<T>): Promise<T> {
    for (let again = true; ; again = false) {
      if (this.#disposed)
        throw new OnebitError("webgpu: this model has been disposed of: load it again");
      this.#made ??= this.#make();
      const making = this.#made;
      let gpu: Gpu | undefined;
      try {
        const made = await making;
        this.#loaded = made.loaded;
        gpu = made.loaded.gpu;
        if (gpu.lost === undefined) return await work(made);
      } catch (error) {
        if (this.#made === making && !gpu) this.#made = undefined;
        if (!gpu || !(await isLost(gpu))) throw error;
      }
      if (this.#made === making) this.#made = undefined;
      if (again) continue;
      throw new OnebitError(
        `webgpu: the GPU was lost twice in a run (${gpu?.lost}): run it with backend "wasm"`,
      );
    }
  }
}

const LOST_PICTURES =
  "webgpu: the GPU was lost with the pictures that it had been given: give them again";

function fits({ size, channels }: Preprocess, shape: readonly number[]): boolean {
  return [...size, channels].join() === shape.join();
}

interface Made {
  readonly compiled: CompiledProgram;
  readonly loaded: LoadedProgram;
}

async function makeOnGpu(
  program: Program,
  tensors: ProgramTensors,
  { memory = DEFAULT_BUDGET.memory, rewrite, limits, ...given }: MakeOptions,
): Promise<Made> {
  const gpu = await acquireGpu();
  checkThere(tensors);
  const within = { ...limitsOf(gpu), ...limits };
  const { subgroup = gpu.subgroup } = given;
  const prefer = given.prefer ?? (await preferredForms(gpu, program, within));
  const made = compileProgram(program, tensors, { memory, prefer, subgroup, limits: within });
  const compiled = rewrite ? rewritten(made, rewrite) : made;
  const loaded = await LoadedProgram.create(gpu, compiled, {
    most: most(compiled, memory, within),
    fill: given.fill,
  });
  return { compiled, loaded };
}

/** Images at a time. */
function most(
  { arenaWords, memoryBytes }: CompiledProgram,
  memory: number,
  limits: Limits,
): number {
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  const arena = 4 * arenaWords;
  const bytes = Math.min(
    memory - (memoryBytes - arena),
    maxBufferSize,
    maxStorageBufferBindingSize,
  );
  return Math.max(1, Math.min(MOST_IMAGES, Math.floor(bytes / arena)));
}

/** Enough that a GPU is busy. */
const MOST_IMAGES = 64;

/** As a plain object, which a GPUSupportedLimits is not. */
function limitsOf({ device: { limits } }: Gpu): Limits {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name]])) as Limits;
}

function rewritten(
  compiled: CompiledProgram,
  rewrite: (shader: string) => string,
): CompiledProgram {
  const steps = compiled.steps.map((dispatches) =>
    dispatches.map((dispatch) => ({ ...dispatch, shader: rewrite(dispatch.shader) })),
  );
  return { ...compiled, steps };
}

/** Whether the device is gone, which may become known a moment after what it caused. */
async function isLost(gpu: Gpu): Promise<boolean> {
  for (let tries = 0; tries < 5 && gpu.lost === undefined; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return gpu.lost !== undefined;
}
