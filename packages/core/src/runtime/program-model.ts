import { OnebitError } from "../errors.js";
import type { Card } from "../file/index.js";
import { programCost } from "../program/cost.js";
import type { Program, ProgramTensors, ProgramValue } from "../program/types.js";
import type { BackendChoice } from "./backends.js";
import { type Compiled, type ExecutableSettings, Executables } from "./executables.js";
import type {
  Model,
  ModelInfo,
  ModelInputs,
  ModelOutputs,
  RunOptions,
  StepProfile,
  TensorInfo,
} from "./model.js";
import { outputTensor } from "./output-tensor.js";
import { checkRunOptions, inputTensor } from "./run-arguments.js";
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
}

/** A program on a backend of this process. */
export class ProgramModel implements Model {
  readonly info: ModelInfo;
  readonly inputs: { readonly [name: string]: TensorInfo };
  readonly outputs: { readonly [name: string]: TensorInfo };
  readonly program: Program;
  readonly backend: string;
  readonly backendReasons: { readonly [backend: string]: string };
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
    { threads }: ExecutableSettings,
  ) {
    const { first, chosen } = executables;
    const { values, input, outputs } = whole;
    const { program } = first;
    this.#executables = executables;
    this.#threads = threads;
    this.#input = values[input];
    this.#last = first;
    this.program = program;
    this.backend = chosen.backend.name;
    this.backendReasons = chosen.reasons;
    this.inputs = { [this.#input.name]: tensorInfo(this.#input) };
    this.outputs = Object.fromEntries(
      Object.entries(outputs).map(([name, id]) => [name, tensorInfo(values[id])]),
    );
    let cost: ModelInfo["cost"] | undefined;
    this.info = {
      card,
      maps: values.some(({ type }) => type) ? "bfloat16" : "float32",
      // Counted when somebody asks.
      get cost() {
        cost ??= programCost(program);
        return cost;
      },
    };
  }

  async run<Name extends string = string>(
    inputs: ModelInputs,
    options: RunOptions<Name> = {},
  ): Promise<ModelOutputs<Name>> {
    checkRunOptions(options, Object.keys(this.outputs));
    const { outputs = Object.keys(this.program.outputs) } = options;
    const tensor = inputTensor(inputs, this.#input.name, this.inputs[this.#input.name]);
    return this.#enqueue(() => this.#compute(tensor, outputs)) as Promise<ModelOutputs<Name>>;
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
    const tensors = names.map((name) => {
      const { kind, shape } = program.values[program.outputs[name]];
      return [name, outputTensor(outputs[name], count, kind, shape)];
    });
    return Object.fromEntries(tensors);
  }

  /** Runs jobs one after another; a failed one does not stop the next. */
  #enqueue<T>(job: () => Promise<T>): Promise<T> {
    if (this.#disposed) return Promise.reject(new OnebitError(DISPOSED));
    const result = this.#queue.then(job);
    this.#queue = result.catch(() => {});
    return result;
  }
}

const DISPOSED = "this model has been disposed; load it again";

function tensorInfo({ kind, shape: [height, width, channels] }: ProgramValue): TensorInfo {
  return kind === "vector"
    ? { kind, shape: [channels] }
    : { kind: "map", shape: [channels, height, width] };
}
