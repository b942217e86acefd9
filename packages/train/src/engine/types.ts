import type { GraphInput, Shape } from "onebit/graph";
import type { OptimiserConfig } from "../optimisers/index.js";
import type { TrainingBackend } from "../runtime/providers.js";
import type { Layout } from "../state/layout.js";
import type { Observation, SeenWeights, WatchPlan } from "../watch/index.js";

/** One graph as ONNX, and what must be fed to it. Plain data: it crosses to the worker. */
export interface CompiledGraph {
  readonly onnx: Uint8Array;
  /** Shape of "x"; the first dimension is the batch size that the graph is compiled for. */
  readonly input: Shape;
  readonly classes: number;
  /** Further inputs that come with a batch: "target", what teachers say. */
  readonly inputs: readonly GraphInput[];
  /** Further graph inputs that are scalars (a temperature). */
  readonly scalars: readonly string[];
  /** Evaluation: what it computes besides "logits", by name; shapes with the batch. */
  readonly outputs?: { readonly [name: string]: Shape };
  /** Tensors that are read. */
  readonly tensors: readonly string[];
  /** Training: tensors that get a gradient, and tensors that the forward pass writes. */
  readonly gradients: readonly string[];
  readonly updates: readonly string[];
}

/** Everything an engine needs to start. Plain data. */
export interface EnginePlan {
  readonly layout: Layout;
  /** Absent: the engine only evaluates. */
  readonly training?: TrainingPlan;
  readonly evaluation?: CompiledGraph;
  /** Where it runs, and for what its graphs are compiled. Default cpu. */
  readonly backend?: TrainingBackend;
  /** Threads of ONNX Runtime, for all replicas together. */
  readonly threads: number;
  /** How many micro-batches are computed at once; at most what a step has. Default 1. */
  readonly replicas?: number;
}

/** What the engine trains, and how. */
export interface TrainingPlan {
  readonly graph: CompiledGraph;
  readonly optimiser: OptimiserConfig;
  /** Largest global norm of the gradient; null for no clipping. */
  readonly clip: number | null;
  /** Decay of the running average of the weights; null for none. */
  readonly averageDecay: number | null;
  /** What steps can observe (compileWatching); absent: nothing. */
  readonly watch?: WatchPlan;
}

/** Images that one pass sees. */
export interface MicroBatch {
  /** [N, C, H, W], N as compiled. Transferred: the caller may not use it until it is recycled. */
  readonly images: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array;
  /**
   * What else the loss asks for, by the names of CompiledGraph.inputs. "target" [N, classes] is made from
   * the labels where it is left out.
   */
  readonly inputs?: { readonly [name: string]: Float32Array };
}

export type Scalars = { readonly [name: string]: number };

/** What one step of the optimiser is computed from. */
export interface StepRequest {
  /**
   * Their gradients are averaged. Batch normalisation takes the statistics of each micro-batch; the
   * running ones are the mean of what the micro-batches make of them.
   */
  readonly microBatches: readonly MicroBatch[];
  readonly learningRate: number;
  /** Scalar graph inputs (temperature). */
  readonly scalars: Scalars;
  /** Look at every layer; for an engine whose plan has `watch`. Changes nothing of the step. */
  readonly observe?: boolean;
}

/** What came of a step. */
export interface StepResult {
  /** Mean over the micro-batches. */
  readonly loss: number;
  readonly correct: number;
  readonly images: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** Fraction of the binary weights whose sign changed; NaN for a network without any. */
  readonly flipRate: number;
  /** False: loss or gradient was not finite. The optimiser did nothing; statistics may be spoilt. */
  readonly finite: boolean;
  /** Where it was asked for, of a finite step. */
  readonly observation?: Observation;
  /** The image arrays, for reuse. */
  readonly recycled: readonly Float32Array<ArrayBuffer>[];
}

/** A batch to evaluate. */
export interface EvaluateRequest {
  /** [N, C, H, W], N as compiled; transferred. */
  readonly images: Float32Array<ArrayBuffer>;
  /** How many of the images count; the rest fills up the batch. */
  readonly count: number;
  readonly scalars: Scalars;
}

/** Scores of a batch, and the memory that it came in. */
export interface EvaluateResult {
  /** [count, classes]. */
  readonly logits: Float32Array;
  /** What else the graph was compiled for, without the images that do not count. */
  readonly outputs: { readonly [name: string]: Float32Array };
  readonly recycled: readonly Float32Array<ArrayBuffer>[];
}

/** Copies of the flat arrays. */
export interface Snapshot {
  readonly values: Float32Array;
  /** Of the optimiser; those that are missing are 0. */
  readonly moments: { readonly [name: string]: Float32Array };
  readonly average?: Float32Array;
  readonly step: number;
  /** Of an engine that watches: where it counts flips from. */
  readonly watched?: SeenWeights;
}

/** Runs the two halves of training steps; holds sessions and flat state. One call at a time. */
export interface Engine {
  step(request: StepRequest): Promise<StepResult>;
  evaluate(request: EvaluateRequest): Promise<EvaluateResult>;
  snapshot(): Promise<Snapshot>;
  restore(snapshot: Snapshot): Promise<void>;
  dispose(): Promise<void>;
}
