import { OnebitError } from "../errors.js";
import type { Card } from "../file/index.js";
import type { Preprocess } from "../image/preprocess.js";
import { programCost } from "../program/cost.js";
import type { Program, ProgramTensors, ProgramValue } from "../program/types.js";
import type { BackendChoice } from "./backends.js";
import { type Compiled, type ExecutableSettings, Executables } from "./executables.js";
import type { ImageList } from "./image-input.js";
import type {
  Model,
  ModelInfo,
  ModelInputs,
  ModelOutputs,
  RunOptions,
  StepProfile,
  TensorInfo,
} from "./model.js";
import { modelInfo } from "./model-info.js";
import { outputTensor } from "./output-tensor.js";
import { explained } from "./refused.js";
import { checkRunOptions, inputTensor } from "./run-arguments.js";
import type { Preparing } from "./run-images.js";
import { type FloatTensor, interleaved } from "./tensor-input.js";

/** What becomes a model: a program with its tensors. */
export interface ModelSource {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly card?: Card;
}

export interface ModelSettings extends ExecutableSettings {
  /** What run() computes where it is not asked for certain outputs. Default: all. */
  readonly outputs?: readonly string[];
  /** Why it does not run in a worker. */
  readonly workerReason?: string;
}

/** A program on a backend of this process. */
export class ProgramModel implements Model {
  readonly info: ModelInfo;
  readonly inputs: { readonly [name: string]: TensorInfo };
  readonly outputs: { readonly [name: string]: TensorInfo };
  readonly program: Program;
  readonly backend: string;
  readonly backendReasons: { readonly [backend: string]: string };
  readonly workerReason: string | undefined;
  readonly #executables: Executables;
  readonly #threads: number;
  readonly #input: ProgramValue;
  #last: Compiled;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  static async create(
    { program, tensors, card = {} }: ModelSource,
    choice: BackendChoice,
    { outputs = Object.keys(program.outputs), ...settings }: ModelSettings,
  ): Promise<ProgramModel> {
    const executables = await Executables.create(program, tensors, outputs, choice, settings);
    return new ProgramModel(program, card, executables, settings);
  }

  private constructor(
    whole: Program,
    card: Card,
    executables: Executables,
    { threads, workerReason }: Omit<ModelSettings, "outputs">,
  ) {
    const { first, chosen } = executables;
    const { values, input, outputs } = whole;
    const { program } = first;
    this.#executables = executables;
    this.#threads = threads;
    this.#input = values[input];
    this.#last = first;
    this.program = program;
    this.workerReason = workerReason;
    this.backend = chosen.backend.name;
    this.backendReasons = chosen.reasons;
    this.inputs = { [this.#input.name]: tensorInfo(this.#input) };
    this.outputs = Object.fromEntries(
      Object.entries(outputs).map(([name, id]) => [name, tensorInfo(values[id])]),
    );
    const facts = {
      card,
      backends: { ...chosen.reasons, [this.backend]: "taken" },
      maps: values.some(({ type }) => type) ? "bfloat16" : "float32",
    } as const;
    this.info = modelInfo(facts, program);
  }

  run<Name extends string = string>(
    inputs: ModelInputs,
    options: RunOptions<Name> = {},
  ): Promise<ModelOutputs<Name>> {
    return explained(this.#run(inputs, options));
  }

  async #run<Name extends string>(
    inputs: ModelInputs,
    options: RunOptions<Name>,
  ): Promise<ModelOutputs<Name>> {
    checkRunOptions(options, Object.keys(this.outputs));
    const { outputs = Object.keys(this.program.outputs) } = options;
    const tensor = this.#checked(inputs);
    return this.#enqueue(() => this.#compute(tensor, outputs)) as Promise<ModelOutputs<Name>>;
  }

  /** As run(), in its turn, on inputs that are being made. */
  runOnceMade(inputs: Promise<ModelInputs>, outputs: readonly string[]): Promise<ModelOutputs> {
    // Told when its turn comes.
    inputs.catch(() => {});
    return explained(
      this.#enqueue(async () => this.#compute(this.#checked(await inputs), outputs)),
    );
  }

  /** Of pictures as they are now, where the backend prepares them itself. */
  runPictures(
    images: ImageList,
    how: Preprocess,
    outputs: readonly string[],
    preparing: Preparing,
  ): Promise<ModelOutputs> | undefined {
    if (this.#disposed) return undefined;
    const known = this.#executables.known(outputs);
    const taken = known?.executable.takePictures?.(images, how, preparing);
    if (!taken) return undefined;
    return this.#enqueue(async () => {
      this.#last = known!;
      return tensorsOf(known!.program, outputs, images.list.length, await taken.run());
    });
  }

  profile(): StepProfile[] | undefined {
    if (this.#disposed) return undefined;
    const { program, executable } = this.#last;
    const times = executable.profile?.();
    if (!times) return undefined;
    const kernels = executable.kernels?.();
    const { steps } = program === this.program ? this.info.cost : programCost(program);
    return steps.map((step, i) => ({ ...step, milliseconds: times[i], kernel: kernels?.[i] }));
  }

  async ready(): Promise<void> {
    await this.#executables.first.executable.ready?.();
  }

  get threads(): number {
    if (this.#disposed) return 0;
    return this.#executables.first.executable.threads ?? this.#threads;
  }

  get threadsReason(): string | undefined {
    if (this.#disposed) return DISPOSED;
    if (this.threads >= this.#threads) return undefined;
    const { threadsReason } = this.#executables.first.executable;
    return threadsReason ?? `backend ${this.backend} gives no reason`;
  }

  get arenaBytes(): number | undefined {
    return this.#disposed ? undefined : this.#executables.first.executable.arenaBytes;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#queue.then(() => this.#executables.dispose()).catch(() => {});
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checked(inputs: ModelInputs): FloatTensor {
    return inputTensor(inputs, this.#input.name, this.inputs[this.#input.name]);
  }

  async #compute(
    { shape, data }: FloatTensor,
    names: readonly string[],
  ): Promise<{ [output: string]: FloatTensor }> {
    this.#last = await this.#executables.for(names);
    const { program, executable } = this.#last;
    const [count] = shape;
    const outputs = executable.runPlanes
      ? await executable.runPlanes(data, count)
      : await executable.run(interleaved(data, count, this.#input.shape), count);
    return tensorsOf(program, names, count, outputs);
  }

  /** Runs jobs one after another; a failed one does not stop the next. */
  #enqueue<T>(job: () => Promise<T>): Promise<T> {
    if (this.#disposed) return Promise.reject(new OnebitError(DISPOSED));
    const result = this.#queue.then(job);
    this.#queue = result.catch(() => {});
    return result;
  }
}

function tensorsOf(
  { values, outputs }: Program,
  names: readonly string[],
  count: number,
  computed: { readonly [output: string]: Float32Array },
): { [output: string]: FloatTensor } {
  const tensors = names.map((name) => {
    const { kind, shape } = values[outputs[name]];
    return [name, outputTensor(computed[name], count, kind, shape)];
  });
  return Object.fromEntries(tensors);
}

const DISPOSED = "this model has been disposed; load it again";

function tensorInfo({ kind, shape: [height, width, channels] }: ProgramValue): TensorInfo {
  return kind === "vector"
    ? { kind, shape: [channels] }
    : { kind: "map", shape: [channels, height, width] };
}
