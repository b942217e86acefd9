import { OnebitError } from "../errors.js";
import type { Card, OnebitFile } from "../file/index.js";
import type { Preprocess } from "../image/index.js";
import { type ProgramCost, programCost, type StepCost } from "../program/cost.js";
import type { MapShape } from "../program/geometry.js";
import { prune } from "../program/prune.js";
import type { MapType, Program } from "../program/types.js";
import type { Executable } from "./backend.js";
import { type Chosen, compileFor } from "./backends.js";
import { type Budget, checkWork, DEFAULT_BUDGET } from "./budget.js";
import { checkOptions, type OptionChecks } from "./check-options.js";
import { type ImageInput, listImages, prepareImages } from "./image-input.js";
import { outputTensor } from "./output-tensor.js";
import { checkTensor, type FloatTensor, prepareTensor, type TensorInput } from "./tensor-input.js";
import { type Prediction, topPredictions } from "./top.js";

export interface ModelInfo {
  /** What the network takes, channels first. */
  readonly input: { readonly channels: number; readonly height: number; readonly width: number };
  readonly classes: number;
  readonly labels?: readonly string[];
  readonly preprocess?: Preprocess;
  readonly card: Card;
  /** bfloat16 where maps between steps are kept so: see LoadOptions.maps. */
  readonly maps: MapType;
  /** Of one image, from input to logits, step by step. */
  readonly cost: ProgramCost;
}

export interface ClassifyOptions {
  /** How many classes to name, likeliest first. Default: 5, or all where there are fewer. */
  readonly top?: number;
}

export interface StepProfile extends StepCost {
  readonly milliseconds: number;
  /** What ran it, where the backend has several ways. */
  readonly kernel?: string;
}

export interface ModelSettings {
  readonly threads: number;
  readonly budget: Budget;
}

/**
 * A packed network ready to run. Calls may overlap: they wait for one another in the order made.
 * Give it back with dispose(), or declare it with `using`.
 */
export class Model implements Disposable {
  readonly info: ModelInfo;
  /** Name of the backend that runs it. */
  readonly backend: string;
  /** Why faster backends were passed over, by name. */
  readonly backendReasons: { readonly [backend: string]: string };
  readonly #file: OnebitFile;
  readonly #settings: ModelSettings;
  readonly #chosen: Chosen;
  /** From input to logits only. */
  readonly #program: Program;
  /** With every output; made when features are first asked for. */
  #complete: Promise<Executable> | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(file: OnebitFile, program: Program, chosen: Chosen, settings: ModelSettings) {
    this.#file = file;
    this.#program = program;
    this.#chosen = chosen;
    this.#settings = settings;
    this.backend = chosen.backend.name;
    this.backendReasons = chosen.reasons;
    const [height, width, channels] = inputShape(file.program);
    const { labels, preprocess, card = {} } = file;
    const classes = file.program.values[file.program.outputs.logits].shape[2];
    const maps = file.program.values.some(({ type }) => type) ? "bfloat16" : "float32";
    let cost: ProgramCost | undefined;
    this.info = {
      ...{ input: { channels, height, width }, classes, labels, preprocess, card, maps },
      // Counted when somebody asks.
      get cost() {
        cost ??= programCost(program);
        return cost;
      },
    };
  }

  static async create(
    file: OnebitFile,
    backend: Parameters<typeof compileFor>[0],
    settings: ModelSettings,
  ): Promise<Model> {
    if (!Object.hasOwn(file.program.outputs, "logits")) {
      throw new OnebitError(`this program has no output "logits"; it is not a classifier`);
    }
    const program = prune(file.program, ["logits"]);
    const { threads, budget } = settings;
    checkWork(programCost(program), budget.work);
    const options = { threads, memory: budget.memory };
    const chosen = await compileFor(backend, program, file.tensors, options);
    return new Model(file, program, chosen, settings);
  }

  /**
   * The likeliest classes of one image, or of each of several.
   *
   * UsageError, naming what is wanted, where something is no image; OnebitError where a picture of the
   * page cannot be read: not loaded yet, broken, of another origin.
   */
  classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: Iterable<ImageInput>, options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    images: ImageInput | Iterable<ImageInput>,
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    checkOptions("classify", options, CLASSIFY_OPTIONS);
    const { top = 5 } = options;
    const { list, single } = listImages(images);
    const data = await this.#runMain(this.#prepare(list, single), list.length);
    const { classes, labels } = this.info;
    const predictions = list.map((_, n) =>
      topPredictions(data.subarray(n * classes, (n + 1) * classes), top, labels),
    );
    return single ? predictions[0] : predictions;
  }

  /**
   * Logits [N, classes] of images [N, C, H, W] that are normalised already and stay as they are until
   * this resolves.
   *
   * UsageError where they are of another shape or type, or not all finite.
   */
  async run(input: TensorInput): Promise<{ readonly logits: FloatTensor }> {
    const { executable } = this.#chosen;
    const map = inputShape(this.#program);
    if (!executable.runPlanes) {
      const { batch, count } = prepareTensor(input, map);
      return this.#logits(await this.#runMain(batch, count), count);
    }
    const { shape, data } = checkTensor(input, map);
    const [count] = shape;
    const { logits } = await this.#enqueue(() => executable.runPlanes!(data, count));
    return this.#logits(logits, count);
  }

  #logits(data: Float32Array, count: number): { readonly logits: FloatTensor } {
    return { logits: { shape: [count, this.info.classes], data } };
  }

  /**
   * Every output: "logits" and "features" (the pooled vector), [N, C], and the feature maps
   * "stage-<stride>", [N, C, H, W]. Of a photograph, or of normalised images [N, C, H, W]. Errors as
   * of classify() and run().
   */
  async features(input: ImageInput | TensorInput): Promise<{ [output: string]: FloatTensor }> {
    const { batch, count } = isTensor(input)
      ? prepareTensor(input, inputShape(this.#program))
      : { batch: this.#prepare([input], true), count: 1 };
    const outputs = await this.#enqueue(async () => {
      this.#complete ??= this.#compileComplete();
      return (await this.#complete).run(batch, count);
    });
    const { values, outputs: ids } = this.#file.program;
    const tensors = Object.entries(outputs).map(([name, data]) => {
      const { kind, shape } = values[ids[name]];
      return [name, outputTensor(data, count, kind, shape)];
    });
    return Object.fromEntries(tensors);
  }

  /** Milliseconds that each step of the last run() or classify() took, where the backend can tell. */
  profile(): StepProfile[] | undefined {
    if (this.#disposed) return undefined;
    const { executable } = this.#chosen;
    const times = executable.profile?.();
    const kernels = executable.kernels?.();
    return (
      times &&
      this.info.cost.steps.map((step, i) => {
        return { ...step, milliseconds: times[i], kernel: kernels?.[i] };
      })
    );
  }

  /** Resolves once the threads that were asked for have started, or could not; runs need not wait. */
  async ready(): Promise<void> {
    await this.#chosen.executable.ready?.();
  }

  /**
   * How many threads share the work, from when all have started (see ready()). Fewer than were asked
   * for where threadsReason says why; none once disposed of.
   */
  get threads(): number {
    if (this.#disposed) return 0;
    return this.#chosen.executable.threads ?? this.#settings.threads;
  }

  /** Why there are fewer threads than were asked for; undefined where there are not. */
  get threadsReason(): string | undefined {
    if (this.#disposed) return DISPOSED;
    if (this.threads >= this.#settings.threads) return undefined;
    return this.#chosen.executable.threadsReason ?? `backend ${this.backend} gives no reason`;
  }

  /** Memory that the backend plans for the values of one image, weights apart, where it can tell. */
  get arenaBytes(): number | undefined {
    if (this.#disposed) return undefined;
    return this.#chosen.executable.arenaBytes;
  }

  /** Frees the memory once the calls under way are done; later calls fail. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const release = async () => {
      this.#chosen.executable.dispose();
      (await this.#complete)?.dispose();
    };
    this.#queue.then(release).catch(() => {});
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #prepare(images: readonly unknown[], single: boolean): Float32Array {
    const { preprocess } = this.#file;
    if (preprocess) return prepareImages(images, preprocess, single);
    throw new OnebitError(
      "this model does not say how images are to be prepared; give normalised tensors to run()",
    );
  }

  async #runMain(batch: Float32Array, count: number): Promise<Float32Array> {
    if (count === 0) return batch;
    const { logits } = await this.#enqueue(() => this.#chosen.executable.run(batch, count));
    return logits;
  }

  async #compileComplete(): Promise<Executable> {
    const { program, tensors } = this.#file;
    const { threads, budget } = this.#settings;
    const { backend, executable } = this.#chosen;
    const memory = (budget.memory ?? DEFAULT_BUDGET.memory) - (executable.memoryBytes ?? 0);
    try {
      checkWork(programCost(program), budget.work);
      return await backend.compile(program, tensors, { threads, memory });
    } catch (error) {
      this.#complete = undefined;
      throw error;
    }
  }

  /** Runs jobs one after another; a failed one does not stop the next. */
  #enqueue<T>(job: () => Promise<T>): Promise<T> {
    if (this.#disposed) {
      return Promise.reject(new OnebitError(DISPOSED));
    }
    const result = this.#queue.then(job);
    this.#queue = result.catch(() => {});
    return result;
  }
}

const DISPOSED = "this model has been disposed; load it again";

const CLASSIFY_OPTIONS: OptionChecks<ClassifyOptions> = {
  top: (top) => (Number.isInteger(top) && (top as number) > 0) || "a whole number from 1",
};

function isTensor(input: unknown): input is TensorInput {
  return typeof input === "object" && input !== null && "shape" in input;
}

function inputShape({ values, input }: Program): MapShape {
  return values[input].shape;
}
