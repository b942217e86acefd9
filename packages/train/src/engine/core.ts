import { OnebitError } from "onebit";
import { sizeOf } from "onebit/graph";
import {
  momentNames,
  type OptimiserState,
  type Optimising,
  optimisersOf,
  update,
} from "../optimisers/index.js";
import type { Bindings, TrainingRuntime, TrainingSession } from "../runtime/types.js";
import { LayerWatch } from "../watch/layer-watch.js";
import { FlipCounter } from "./flips.js";
import type { Platform } from "./platform.js";
import { bindTensors, checkImages, setScalars } from "./replica.js";
import { Replicas } from "./replicas.js";
import type {
  CompiledGraph,
  Engine,
  EnginePlan,
  EvaluateRequest,
  EvaluateResult,
  Scalars,
  Snapshot,
  StepRequest,
  StepResult,
} from "./types.js";
import { type UpdateSegment, updateSegments } from "./updates.js";

/**
 * The engine itself, in the thread that calls it, on whatever platform. `values` holds all tensors, in
 * the layout's order.
 */
export async function createCore(
  plan: EnginePlan,
  values: Float32Array,
  platform: Platform,
): Promise<Engine> {
  const { layout, training, evaluation, threads } = plan;
  if (values.length !== layout.length) {
    throw new OnebitError(`state has ${values.length} values, ${layout.length} are wanted`);
  }
  const optimising = training && (await optimisersOf(training.optimiser));
  const core = new Core(plan, values, platform, optimising);
  if (training) core.replicas = await Replicas.start(plan, training, values, platform);
  if (evaluation) core.evaluation = await platform.runtime.createSession(evaluation.onnx, threads);
  return core;
}

class Core implements Engine {
  replicas?: Replicas;
  evaluation?: TrainingSession;
  readonly #plan: EnginePlan;
  readonly #runtime: TrainingRuntime;
  readonly #state: OptimiserState;
  readonly #flips: FlipCounter;
  readonly #watch?: LayerWatch;
  readonly #updates: readonly UpdateSegment[];
  readonly #optimising?: Optimising;
  readonly #feeds: Bindings = {};
  readonly #fetches: Bindings = {};

  constructor(
    plan: EnginePlan,
    values: Float32Array,
    { runtime }: Platform,
    optimising?: Optimising,
  ) {
    const { layout, training, evaluation } = plan;
    this.#plan = plan;
    this.#runtime = runtime;
    this.#optimising = optimising;
    const moments = optimising ? momentNames(optimising) : [];
    const averaged = training && training.averageDecay !== null;
    this.#state = {
      values,
      moments: Object.fromEntries(moments.map((name) => [name, new Float32Array(layout.trained)])),
      average: averaged ? values.slice() : undefined,
      step: 0,
    };
    this.#updates = training ? updateSegments(layout, training.graph).segments : [];
    this.#flips = new FlipCounter(layout, values);
    this.#watch = training?.watch && new LayerWatch(training.watch, layout, values);
    if (evaluation) this.#bindEvaluation(evaluation);
  }

  async step({ microBatches, learningRate, scalars, observe }: StepRequest): Promise<StepResult> {
    const { training, layout } = this.#plan;
    if (!training || !this.replicas || !this.#optimising) {
      throw new OnebitError("this engine was started for evaluation only");
    }
    if (observe && !this.#watch) {
      throw new OnebitError("this engine was started without anything to observe (plan.watch)");
    }
    const { loss, correct, gradients, updates, recycled, seen } = await this.replicas.run(
      microBatches,
      scalars,
      observe,
    );
    const images = microBatches.reduce((sum, { labels }) => sum + labels.length, 0);
    const result = { loss, correct, images, recycled };
    if (!Number.isFinite(loss)) {
      return { ...result, gradientNorm: Number.NaN, flipRate: Number.NaN, finite: false };
    }
    this.#applyForwardUpdates(updates, microBatches.length, scalars);
    const gradientScale = 1 / microBatches.length;
    const norms = observe && this.#watch?.gradientNorms(gradients, gradientScale);
    const gradientNorm = update(this.#state, gradients, layout.groups, this.#optimising, {
      learningRate,
      gradientScale,
      clip: training.clip,
      averageDecay: training.averageDecay,
    });
    const flipRate = this.#flips.update(this.#state.values);
    const finite = Number.isFinite(gradientNorm);
    const { values, step } = this.#state;
    const observation =
      norms && finite ? this.#watch?.observe(values, step, { norms, signs: seen }) : undefined;
    return { ...result, gradientNorm, flipRate, finite, observation };
  }

  async evaluate({ images, count, scalars }: EvaluateRequest): Promise<EvaluateResult> {
    const { evaluation } = this.#plan;
    if (!evaluation || !this.evaluation) {
      throw new OnebitError("this engine was not started for evaluation");
    }
    this.#completeAverage();
    setScalars(this.#feeds, evaluation.scalars, scalars);
    checkImages(images, evaluation.input);
    const x = this.#runtime.tensor(images, evaluation.input);
    await this.evaluation.run({ ...this.#feeds, x }, this.#fetches);
    const [batch] = evaluation.input;
    const computed = Object.entries(this.#fetches).map(([name, { data }]) => {
      return [name, data.slice(0, (count * data.length) / batch)] as const;
    });
    const { logits, ...outputs } = Object.fromEntries(computed);
    return { logits, outputs, recycled: [images] };
  }

  async snapshot(): Promise<Snapshot> {
    const { values, moments, average, step } = this.#state;
    this.#completeAverage();
    return {
      values: values.slice(),
      moments: Object.fromEntries(Object.entries(moments).map(([name, m]) => [name, m.slice()])),
      average: average?.slice(),
      step,
      watched: this.#watch?.seen,
    };
  }

  async restore({ values, moments, average, step, watched }: Snapshot): Promise<void> {
    this.#state.values.set(values);
    for (const [name, moment] of Object.entries(this.#state.moments)) {
      if (moments[name]) moment.set(moments[name]);
      else moment.fill(0);
    }
    this.#state.average?.set(average ?? values);
    this.#state.step = step;
    this.#flips.update(values);
    this.#watch?.startFrom(values, step, watched);
  }

  async dispose(): Promise<void> {
    await this.replicas?.dispose();
    await this.evaluation?.release();
  }

  /** The average covers trained tensors; statistics and counters are the current ones. */
  #completeAverage(): void {
    const { trained } = this.#plan.layout;
    this.#state.average?.set(this.#state.values.subarray(trained), trained);
  }

  /** updates: the sum over the micro-batches for statistics, the values themselves for parameters. */
  #applyForwardUpdates(updates: Float32Array, microBatches: number, scalars: Scalars): void {
    const { values } = this.#state;
    for (const { parameter, from, to, length } of this.#updates) {
      const share = parameter ? 1 : microBatches;
      for (let i = 0; i < length; i++) values[to + i] = updates[from + i] / share;
    }
    for (const { kind, mirrors, start, end } of this.#plan.layout.segments) {
      if (kind === "counter") values[start] += microBatches;
      if (kind === "mirror" && mirrors && mirrors in scalars)
        values.fill(scalars[mirrors], start, end);
    }
  }

  #bindEvaluation({ tensors, scalars, input, classes, outputs }: CompiledGraph): void {
    const { values, average } = this.#state;
    const runtime = this.#runtime;
    const flat = average ?? values;
    Object.assign(this.#feeds, bindTensors(runtime, this.#plan.layout, tensors, flat));
    for (const name of scalars) this.#feeds[name] = runtime.tensor(new Float32Array(1), []);
    const fetched = { ...outputs, logits: [input[0], classes] };
    for (const [name, shape] of Object.entries(fetched)) {
      this.#fetches[name] = runtime.tensor(new Float32Array(sizeOf(shape)), shape);
    }
  }
}
