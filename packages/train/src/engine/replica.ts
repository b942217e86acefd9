import { OnebitError } from "onebit";
import { type GraphInput, sizeOf } from "onebit/graph";
import { counted } from "onebit/words";
import { targetsFromLabels } from "../losses/index.js";
import type { TrainingBackend } from "../runtime/providers.js";
import type { Bindings, TrainingRuntime, TrainingSession } from "../runtime/types.js";
import { type Layout, viewsOf } from "../state/layout.js";
import type { WatchPlan } from "../watch/index.js";
import { type SignsSeen, SignWatcher } from "../watch/sign-watcher.js";
import type { CompiledGraph, MicroBatch, Scalars } from "./types.js";
import { updateSegments } from "./updates.js";

/** Plain data: it crosses to the threads of further replicas. */
export interface ReplicaPlan {
  readonly layout: Layout;
  readonly graph: CompiledGraph;
  readonly watch?: WatchPlan;
  readonly threads: number;
  readonly backend?: TrainingBackend;
}

export interface ReplicaResult {
  readonly loss: number;
  readonly correct: number;
  /** The image array, for reuse. */
  readonly images: Float32Array<ArrayBuffer>;
  /** Where it was asked for, and there are signs. */
  readonly seen?: SignsSeen;
}

/** Names that gradients() and toOnnx() give to outputs. */
const gradientOutput = (key: string) => `grad:${key}`;
const updateOutput = (key: string) => `update:${key}`;

/**
 * Forward and backward of one micro-batch at a time. The graph reads views of `values`, and writes
 * views of two further flat arrays, never what it still reads.
 */
export class Replica {
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  /** New values from the forward pass, as updateSegments places them. */
  readonly updates: Float32Array;
  readonly #plan: ReplicaPlan;
  readonly #runtime: TrainingRuntime;
  readonly #session: TrainingSession;
  readonly #watcher?: SignWatcher;
  readonly #feeds: Bindings = {};
  readonly #fetches: Bindings = {};
  readonly #target: Float32Array<ArrayBuffer>;

  /** values: the network's tensors; shared with the caller, who changes them between runs. */
  static async create(
    plan: ReplicaPlan,
    values: Float32Array,
    runtime: TrainingRuntime,
  ): Promise<Replica> {
    const { graph, watch, threads } = plan;
    const session = await runtime.createSession(graph.onnx, threads);
    const watcher = watch && (await SignWatcher.create(watch, runtime, threads));
    return new Replica(plan, values, runtime, { session, watcher });
  }

  private constructor(
    plan: ReplicaPlan,
    values: Float32Array,
    runtime: TrainingRuntime,
    { session, watcher }: { readonly session: TrainingSession; readonly watcher?: SignWatcher },
  ) {
    const { layout, graph } = plan;
    const updates = updateSegments(layout, graph);
    this.#plan = plan;
    this.#runtime = runtime;
    this.#session = session;
    this.#watcher = watcher;
    this.values = values;
    this.gradients = new Float32Array(layout.trained);
    this.updates = new Float32Array(updates.length);
    Object.assign(this.#feeds, bindTensors(runtime, layout, graph.tensors, values));
    for (const name of graph.scalars) this.#feeds[name] = runtime.tensor(new Float32Array(1), []);
    const gradients = bindTensors(runtime, layout, graph.gradients, this.gradients);
    for (const [key, tensor] of Object.entries(gradients)) {
      this.#fetches[gradientOutput(key)] = tensor;
    }
    for (const { key, shape, from, length } of updates.segments) {
      const view = this.updates.subarray(from, from + length);
      this.#fetches[updateOutput(key)] = runtime.tensor(view, shape);
    }
    const logits = [graph.input[0], graph.classes];
    this.#target = new Float32Array(logits[0] * logits[1]);
    this.#fetches.loss = runtime.tensor(new Float32Array(1), []);
    this.#fetches.logits = runtime.tensor(new Float32Array(this.#target.length), logits);
  }

  /** observe: also look at the signs. */
  async run(batch: MicroBatch, scalars: Scalars, observe = false): Promise<ReplicaResult> {
    const { graph } = this.#plan;
    const { input, classes } = graph;
    const { images, labels } = batch;
    checkBatch(batch, input, classes);
    setScalars(this.#feeds, graph.scalars, scalars);
    const data: Bindings = { x: this.#runtime.tensor(images, input) };
    for (const wanted of graph.inputs) {
      const values = batch.inputs?.[wanted.name] ?? this.#made(wanted.name, labels);
      checkInput(wanted, values);
      data[wanted.name] = this.#runtime.tensor(values, wanted.shape);
    }
    const feeds = { ...this.#feeds, ...data };
    const seen = observe ? await this.#watcher?.run(feeds) : undefined;
    await this.#session.run(feeds, this.#fetches);
    const [loss] = this.#fetches.loss.data;
    const correct = countCorrect(this.#fetches.logits.data, labels);
    return { loss, correct, images, seen };
  }

  /** Of a batch that brings no target, the labels. */
  #made(name: string, labels: Int32Array): Float32Array | undefined {
    if (name !== "target") return undefined;
    return targetsFromLabels(labels, this.#plan.graph.classes, this.#target);
  }

  async dispose(): Promise<void> {
    await this.#watcher?.release();
    await this.#session.release();
  }
}

/** Tensors over their places in a flat array, by key. */
export function bindTensors(
  { tensor }: TrainingRuntime,
  layout: Layout,
  keys: readonly string[],
  flat: Float32Array,
): Bindings {
  const views = viewsOf(layout, flat);
  const shapes = new Map(layout.segments.map(({ key, shape }) => [key, shape]));
  return Object.fromEntries(keys.map((key) => [key, tensor(views.get(key)!, shapes.get(key)!)]));
}

export function setScalars(feeds: Bindings, names: readonly string[], given: Scalars): void {
  for (const name of names) {
    if (!(name in given)) throw new OnebitError(`no value given for the scalar input "${name}"`);
    feeds[name].data[0] = given[name];
  }
}

export function checkImages(images: Float32Array, input: readonly number[]): void {
  const length = input.reduce((product, dim) => product * dim, 1);
  if (images.length === length) return;
  throw new OnebitError(`batch of ${images.length} values: ${length} ([${input}]) are wanted`);
}

function checkInput(
  { name, shape }: GraphInput,
  values: Float32Array | undefined,
): asserts values is Float32Array {
  if (values?.length === sizeOf(shape)) return;
  const has = values ? counted(values.length, "value") : "none";
  throw new OnebitError(`batch: the loss asks for "${name}" [${shape}], there is ${has}`);
}

function checkBatch(batch: MicroBatch, input: readonly number[], classes: number): void {
  const { images, labels } = batch;
  checkImages(images, input);
  if (labels.length !== input[0]) {
    throw new OnebitError(
      `batch of ${counted(input[0], "image")} has ${counted(labels.length, "label")}`,
    );
  }
  const bad = labels.find((label) => label < 0 || label >= classes);
  if (bad !== undefined) {
    throw new OnebitError(`label ${bad} does not fit a network of ${classes} classes`);
  }
}

function countCorrect(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let correct = 0;
  for (let n = 0; n < labels.length; n++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (logits[n * classes + c] > logits[n * classes + best]) best = c;
    }
    if (best === labels[n]) correct++;
  }
  return correct;
}
