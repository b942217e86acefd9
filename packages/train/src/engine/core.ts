import { OnebitError } from "onebit";
import type { InferenceSession } from "onnxruntime-node";
import { targetsFromLabels } from "../losses/index.js";
import { momentNames, type OptimiserState, update } from "../optimisers/index.js";
import { viewsOf } from "../state/layout.js";
import { FlipCounter } from "./flips.js";
import { type Bindings, bind, createSession } from "./session.js";
import type {
  CompiledGraph,
  Engine,
  EnginePlan,
  EvaluateRequest,
  EvaluateResult,
  MicroBatch,
  Scalars,
  Snapshot,
  StepRequest,
  StepResult,
} from "./types.js";

/** Names that gradients() and toOnnx() give to outputs. */
const gradientOutput = (key: string) => `grad:${key}`;
const updateOutput = (key: string) => `update:${key}`;

/**
 * The engine itself, in the thread that calls it (ONNX Runtime blocks that thread while it runs;
 * startEngine puts it into a worker).
 *
 * Memory: `values` holds all tensors. The training graph reads views of it, and writes gradients
 * and updates into views of two further flat arrays, never into what it still reads.
 */
export async function createCore(plan: EnginePlan, values: Float32Array): Promise<Engine> {
  if (values.length !== plan.layout.length) {
    throw new OnebitError(`state has ${values.length} values, ${plan.layout.length} are wanted`);
  }
  const { training, evaluation, threads } = plan;
  const core = new Core(plan, values);
  if (training) core.training = await createSession(training.graph.onnx, threads);
  if (evaluation) core.evaluation = await createSession(evaluation.onnx, threads);
  return core;
}

class Core implements Engine {
  training?: InferenceSession;
  evaluation?: InferenceSession;
  readonly #plan: EnginePlan;
  readonly #state: OptimiserState;
  readonly #flips: FlipCounter;
  /** Gradient of one micro-batch, and of all of them where there are several. */
  readonly #gradients: Float32Array;
  #accumulated?: Float32Array;
  readonly #trainingFeeds: Bindings = {};
  readonly #trainingFetches: Bindings = {};
  readonly #evaluationFeeds: Bindings = {};
  readonly #evaluationFetches: Bindings = {};
  /** New values written by the forward pass, with the place where they belong. */
  readonly #updates: { readonly from: Float32Array; readonly to: Float32Array }[] = [];
  readonly #scalars: Bindings = {};
  #target = new Float32Array(0);

  constructor(plan: EnginePlan, values: Float32Array) {
    const { layout, training, evaluation } = plan;
    this.#plan = plan;
    const trained = training ? layout.trained : 0;
    const moments = training ? momentNames(training.optimiser) : [];
    const averaged = training && training.averageDecay !== null;
    this.#state = {
      values,
      moments: Object.fromEntries(moments.map((name) => [name, new Float32Array(trained)])),
      average: averaged ? values.slice() : undefined,
      step: 0,
    };
    this.#gradients = new Float32Array(trained);
    this.#flips = new FlipCounter(layout, values);
    if (training) this.#bindTraining(training.graph);
    if (evaluation) this.#bindEvaluation(evaluation);
  }

  async step({ microBatches, learningRate, scalars }: StepRequest): Promise<StepResult> {
    const { training, layout } = this.#plan;
    if (!training) throw new OnebitError("this engine was started for evaluation only");
    const several = microBatches.length > 1;
    if (several) this.#accumulated ??= new Float32Array(this.#gradients.length);
    if (several) this.#accumulated!.fill(0);
    let loss = 0;
    let correct = 0;
    for (const microBatch of microBatches) {
      loss += (await this.#forwardBackward(microBatch, scalars)) / microBatches.length;
      correct += countCorrect(this.#trainingFetches.logits.data as Float32Array, microBatch.labels);
      if (several) addTo(this.#accumulated!, this.#gradients);
    }
    const images = microBatches.reduce((sum, { labels }) => sum + labels.length, 0);
    const recycled = microBatches.map((batch) => batch.images);
    if (!Number.isFinite(loss)) {
      return {
        ...{ loss, correct, images, recycled },
        gradientNorm: NaN,
        flipRate: NaN,
        finite: false,
      };
    }
    const gradientNorm = update(
      this.#state,
      several ? this.#accumulated! : this.#gradients,
      layout.groups,
      training.optimiser,
      {
        learningRate,
        gradientScale: 1 / microBatches.length,
        clip: training.clip,
        averageDecay: training.averageDecay,
      },
    );
    const finite = Number.isFinite(gradientNorm);
    const flipRate = this.#flips.update(this.#state.values);
    return { loss, correct, images, gradientNorm, flipRate, finite, recycled };
  }

  async evaluate({ images, count, scalars }: EvaluateRequest): Promise<EvaluateResult> {
    const { evaluation, layout } = this.#plan;
    if (!evaluation || !this.evaluation)
      throw new OnebitError("this engine was not started for evaluation");
    const { values, average } = this.#state;
    // The average covers trained tensors; statistics and counters are the current ones.
    average?.set(values.subarray(layout.trained), layout.trained);
    this.#setScalars(scalars);
    checkImages(images, evaluation.input);
    this.#evaluationFeeds.x = bind(images, evaluation.input);
    await this.evaluation.run(this.#evaluationFeeds, this.#evaluationFetches);
    const logits = this.#evaluationFetches.logits.data as Float32Array;
    return { logits: logits.slice(0, count * evaluation.classes), recycled: [images] };
  }

  async snapshot(): Promise<Snapshot> {
    const { values, moments, average, step } = this.#state;
    average?.set(values.subarray(this.#plan.layout.trained), this.#plan.layout.trained);
    return {
      values: values.slice(),
      moments: Object.fromEntries(Object.entries(moments).map(([name, m]) => [name, m.slice()])),
      average: average?.slice(),
      step,
    };
  }

  async restore({ values, moments, average, step }: Snapshot): Promise<void> {
    this.#state.values.set(values);
    for (const [name, moment] of Object.entries(this.#state.moments)) moment.set(moments[name]);
    this.#state.average?.set(average ?? values);
    this.#state.step = step;
    this.#flips.update(values);
  }

  async dispose(): Promise<void> {
    await this.training?.release();
    await this.evaluation?.release();
  }

  async #forwardBackward(batch: MicroBatch, scalars: Scalars): Promise<number> {
    const { graph, labelSmoothing } = this.#plan.training!;
    const { input, classes } = graph;
    checkBatch(batch, input, classes);
    this.#setScalars(scalars);
    const target =
      batch.target ?? targetsFromLabels(batch.labels, classes, labelSmoothing, this.#target);
    const feeds = { ...this.#trainingFeeds, x: bind(batch.images, input) };
    await this.training!.run(
      { ...feeds, target: bind(target, [input[0], classes]) },
      this.#trainingFetches,
    );
    const loss = (this.#trainingFetches.loss.data as Float32Array)[0];
    if (Number.isFinite(loss)) this.#applyForwardUpdates(scalars);
    return loss;
  }

  #applyForwardUpdates(scalars: Scalars): void {
    for (const { from, to } of this.#updates) to.set(from);
    const { values } = this.#state;
    for (const { kind, mirrors, start, end } of this.#plan.layout.segments) {
      if (kind === "counter") values[start]++;
      if (kind === "mirror" && mirrors && mirrors in scalars)
        values.fill(scalars[mirrors], start, end);
    }
  }

  #bindTraining(graph: CompiledGraph): void {
    const { layout } = this.#plan;
    const { segments } = layout;
    const shapes = new Map(segments.map(({ key, shape }) => [key, shape]));
    const views = viewsOf(layout, this.#state.values);
    for (const key of graph.tensors)
      this.#trainingFeeds[key] = bind(views.get(key)!, shapes.get(key)!);
    this.#bindScalars(graph, this.#trainingFeeds);
    const gradientViews = viewsOf(layout, this.#gradients);
    for (const key of graph.gradients) {
      this.#trainingFetches[gradientOutput(key)] = bind(gradientViews.get(key)!, shapes.get(key)!);
    }
    for (const key of graph.updates) {
      const to = views.get(key)!;
      const from = new Float32Array(to.length);
      this.#updates.push({ from, to });
      this.#trainingFetches[updateOutput(key)] = bind(from, shapes.get(key)!);
    }
    const [batch] = graph.input;
    this.#target = new Float32Array(batch * graph.classes);
    this.#trainingFetches.loss = bind(new Float32Array(1), []);
    this.#trainingFetches.logits = bind(new Float32Array(batch * graph.classes), [
      batch,
      graph.classes,
    ]);
  }

  #bindEvaluation(graph: CompiledGraph): void {
    const { layout } = this.#plan;
    const views = viewsOf(layout, this.#state.average ?? this.#state.values);
    const shapes = new Map(layout.segments.map(({ key, shape }) => [key, shape]));
    for (const key of graph.tensors)
      this.#evaluationFeeds[key] = bind(views.get(key)!, shapes.get(key)!);
    this.#bindScalars(graph, this.#evaluationFeeds);
    const logits = [graph.input[0], graph.classes];
    this.#evaluationFetches.logits = bind(new Float32Array(logits[0] * logits[1]), logits);
  }

  #bindScalars(graph: CompiledGraph, feeds: Bindings): void {
    for (const name of graph.scalars) {
      this.#scalars[name] ??= bind(new Float32Array(1), []);
      feeds[name] = this.#scalars[name];
    }
  }

  #setScalars(scalars: Scalars): void {
    for (const [name, tensor] of Object.entries(this.#scalars)) {
      if (!(name in scalars))
        throw new OnebitError(`no value given for the scalar input "${name}"`);
      (tensor.data as Float32Array)[0] = scalars[name];
    }
  }
}

function checkImages(images: Float32Array, input: readonly number[]): void {
  const length = input.reduce((product, dim) => product * dim, 1);
  if (images.length === length) return;
  throw new OnebitError(`batch of ${images.length} values: ${length} ([${input}]) are wanted`);
}

function checkBatch(batch: MicroBatch, input: readonly number[], classes: number): void {
  const { images, labels } = batch;
  checkImages(images, input);
  if (labels.length !== input[0]) {
    throw new OnebitError(`batch of ${input[0]} images has ${labels.length} labels`);
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

function addTo(sum: Float32Array, term: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] += term[i];
}
