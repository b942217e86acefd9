/// <reference lib="esnext.disposable" preserve="true" />

import type { Card } from "../file/index.js";
import type { ProgramCost, StepCost } from "../program/cost.js";
import type { MapType, Program } from "../program/types.js";
import type { FloatTensor, TensorInput } from "./tensor-input.js";

/** What a program takes or gives under a name, for one item of a batch. */
export interface TensorInfo {
  readonly kind: "map" | "vector";
  /** [C, H, W] of a map, [C] of a vector; tensors have N, the items of a batch, before it. */
  readonly shape: readonly number[];
}

/** What a model's file says of it. */
export interface ModelInfo {
  readonly card: Card;
  /**
   * What was tried to run it, by name: "taken", or why not. "webgpu" is there where "auto" met a browser that
   * has it: which of the two took how long, or why it was not tried.
   */
  readonly backends: { readonly [backend: string]: string };
  /** bfloat16 where maps between steps are kept so: see LoadOptions.maps. */
  readonly maps: MapType;
  /** Of one item, step by step: what run() computes where it is not asked for certain outputs. */
  readonly cost: ProgramCost;
}

/** How long a step took, and what it takes. */
export interface StepProfile extends StepCost {
  readonly milliseconds: number;
  /** What ran it, where the backend has several ways. */
  readonly kernel?: string;
}

/** A tensor for every input, by name; where there is one input, its tensor alone will do. */
export type ModelInputs = TensorInput | { readonly [input: string]: TensorInput };

/** The tensors asked for, by name. */
export type ModelOutputs<Name extends string = string> = { readonly [N in Name]: FloatTensor };

/** What run() computes. */
export interface RunOptions<Name extends string = string> {
  /**
   * What to compute, and nothing else. Each set of outputs is compiled when it is first asked for, and
   * kept; the budget of load() spans all of them.
   */
  readonly outputs?: readonly Name[];
}

/**
 * A packed program ready to run: named tensors in, named tensors out. Calls may overlap: they wait for
 * one another in the order made. Give it back with dispose(), or declare it with `using`.
 */
export interface Model extends Disposable {
  readonly info: ModelInfo;
  readonly inputs: { readonly [name: string]: TensorInfo };
  readonly outputs: { readonly [name: string]: TensorInfo };
  /** What run() computes where it is not asked for certain outputs: the steps of info.cost. */
  readonly program: Program;
  /** Name of the backend that runs it. */
  readonly backend: string;
  /** Why others were passed over, by name. */
  readonly backendReasons: { readonly [backend: string]: string };

  /**
   * Outputs [N, C, H, W], or [N, C] of vectors, of inputs of such shapes; inputs stay as they are
   * until this resolves. Default: all outputs.
   *
   * UsageError where an input or output is unknown, missing or named twice, where a tensor is of
   * another shape or type, or not all finite; BudgetError where those outputs take more than is left.
   */
  run<Name extends string = string>(
    inputs: ModelInputs,
    options?: RunOptions<Name>,
  ): Promise<ModelOutputs<Name>>;

  /** Milliseconds that each step of the last run took, where the backend can tell. */
  profile(): StepProfile[] | undefined;

  /** Resolves once the threads that were asked for have started, or could not; runs need not wait. */
  ready(): Promise<void>;

  /**
   * How many threads share the work, from when all have started (see ready()). Fewer than were asked
   * for where threadsReason says why; none once disposed of.
   */
  readonly threads: number;
  /** Why there are fewer threads than were asked for; undefined where there are not. */
  readonly threadsReason: string | undefined;
  /** Why it runs on this thread although a worker was asked for; undefined where none was, or it does not. */
  readonly workerReason: string | undefined;
  /** Memory that the backend plans for the values of one item, weights apart, where it can tell. */
  readonly arenaBytes: number | undefined;

  /** Frees the memory once the calls under way are done; later calls fail. */
  dispose(): void;
}
