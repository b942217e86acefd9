import { OnebitError, type SignalLike, UsageError } from "onebit";
import type { Graph, Tensor } from "onebit/graph";
import { rebatch } from "onebit/graph";
import { type Random, rng } from "../data/random.js";
import { createCore } from "../engine/core.js";
import { compileEvaluation, compileTraining } from "../engine/plan.js";
import type { Engine, EnginePlan } from "../engine/types.js";
import { bnextUpdates } from "../recipes/shared/bnext.js";
import { cosine } from "../recipes/shared/usual.js";
import { breath } from "../retrain/breath.js";
import { largest } from "../retrain/largest.js";
import { temperatureThreshold } from "../run/binary.js";
import type { TrainingRuntime } from "../runtime/types.js";
import { learningRate } from "../schedules/index.js";
import { flatten, initialTensors, layoutOf, unflatten } from "../state/index.js";

/** What is learnt from: inputs of a network, and the numbers of their classes. */
export interface Samples {
  readonly length: number;
  label(i: number): number;
  /** Writes input i; `random`: as training sees it, else as it is asked about. */
  write(i: number, to: Float32Array, random?: Random): void;
}

/** How long, and how, a small network is trained. */
export interface TrainingOptions {
  /** Times that every example is seen. */
  readonly epochs?: number;
  /** Examples of a step; fewer where there are fewer. */
  readonly batch?: number;
  /** The highest, reached after a tenth of the training; it falls to 0 along half a cosine. */
  readonly learningRate?: number;
  /** Of the start, the order and all that is random. Default: 0. */
  readonly seed?: number;
  readonly signal?: SignalLike;
  /** Called after every epoch. */
  readonly onEpoch?: (epoch: TrainedEpoch) => void;
}

/** An epoch of a training, for a curve. */
export interface TrainedEpoch {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean over the steps, and the share of examples that the network had right when it saw them. */
  readonly loss: number;
  readonly top1: number;
  /** Of the examples that are held back; undefined where there are none. */
  readonly heldTop1: number | undefined;
}

interface Task {
  /** At any batch size. */
  readonly network: Graph;
  readonly train: Samples;
  readonly held: Samples;
  readonly runtime: TrainingRuntime;
}

const WARM_UP = 0.1;

/** Trains a network from its initial values, a step after another, and lets the page breathe between them. */
export async function trainNetwork(
  { network, train, held, runtime }: Task,
  options: Required<Pick<TrainingOptions, "epochs" | "batch" | "learningRate">> & TrainingOptions,
): Promise<{ [key: string]: Tensor }> {
  const { epochs, seed = 0, signal, onEpoch } = options;
  checkOptions(options);
  const batch = Math.min(options.batch, train.length);
  const stepsPerEpoch = Math.ceil(train.length / batch);
  const graph = rebatch(network, batch);
  const plan = planFor(graph, batch, runtime);
  const engine = await createCore(plan, flatten(plan.layout, initialTensors(graph, seed)), {
    runtime,
  });
  const order = orderOf(train.length, seed);
  const schedule = {
    ...{ ...cosine, learningRate: options.learningRate },
    warmupEpochs: WARM_UP * epochs,
  };
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const sums = { loss: 0, correct: 0, images: 0 };
      for (let i = 0; i < stepsPerEpoch; i++) {
        const step = epoch * stepsPerEpoch + i;
        const position = { step, stepsPerEpoch, epochs };
        const picked = Array.from({ length: batch }, () => order.next().value as number);
        const { finite, ...result } = await engine.step({
          microBatches: [batchOf(train, picked, sizeOfInput(graph), rng(seed, "augment", step))],
          learningRate: learningRate(schedule, position),
          scalars: scalarsOf(graph),
        });
        if (!finite) throw new OnebitError(NOT_FINITE);
        sums.loss += result.loss / stepsPerEpoch;
        sums.correct += result.correct;
        sums.images += result.images;
        await breath();
        signal?.throwIfAborted();
      }
      onEpoch?.({
        ...{ epoch: epoch + 1, epochs, loss: sums.loss, top1: sums.correct / sums.images },
        heldTop1: held.length ? await top1Of(engine, graph, held) : undefined,
      });
    }
    const { values } = await engine.snapshot();
    return unflatten(plan.layout, values);
  } finally {
    await engine.dispose();
  }
}

const NOT_FINITE =
  "the loss is not a number any more: lower the learning rate, or look for examples that are all alike";

function checkOptions({ epochs, batch, learningRate }: TrainingOptions): void {
  for (const [name, value] of Object.entries({ epochs, batch })) {
    if (Number.isSafeInteger(value) && (value as number) > 0) continue;
    throw new UsageError(`${name} ${value}: must be a whole number from 1`);
  }
  if (!((learningRate as number) > 0)) {
    throw new UsageError(`learningRate ${learningRate}: must be above 0`);
  }
}

function planFor(graph: Graph, batch: number, { target }: TrainingRuntime): EnginePlan {
  const { optimiser, clip } = bnextUpdates;
  const training = compileTraining(graph, { target });
  return {
    layout: layoutOf(graph, new Set(training.gradients), optimiser),
    training: { graph: training, optimiser, clip, averageDecay: null },
    evaluation: compileEvaluation(graph, batch, { target }),
    threads: 1,
  };
}

/** So short a training has no time for soft weights: they are binary from the first step. */
function scalarsOf(graph: Graph): { readonly [name: string]: number } {
  const threshold = temperatureThreshold(graph);
  return threshold === undefined ? {} : { temperature: threshold / 10 };
}

/** Numbers of examples, every one as often as any other, shuffled anew each time. */
function* orderOf(length: number, seed: number): Generator<number, never> {
  for (let pass = 0; ; pass++) {
    yield* rng(seed, "order", pass).shuffle(Int32Array.from({ length }, (_, i) => i));
  }
}

function sizeOfInput({ inputs }: Graph): number {
  const [, ...shape] = inputs.find(({ name }) => name === "x")!.shape;
  return shape.reduce((product, dim) => product * dim, 1);
}

function batchOf(samples: Samples, picked: readonly number[], size: number, random?: Random) {
  const images = new Float32Array(picked.length * size);
  picked.forEach((i, n) => {
    samples.write(i, images.subarray(n * size, (n + 1) * size), random);
  });
  return { images, labels: Int32Array.from(picked, (i) => samples.label(i)) };
}

/** The share of samples that the network has right. */
async function top1Of(engine: Engine, graph: Graph, samples: Samples): Promise<number> {
  const [batch] = graph.inputs.find(({ name }) => name === "x")!.shape;
  let correct = 0;
  for (let first = 0; first < samples.length; first += batch) {
    const count = Math.min(batch, samples.length - first);
    const picked = Array.from({ length: batch }, (_, i) => first + Math.min(i, count - 1));
    const { images, labels } = batchOf(samples, picked, sizeOfInput(graph));
    const { logits } = await engine.evaluate({ images, count, scalars: scalarsOf(graph) });
    const classes = logits.length / count;
    for (let n = 0; n < count; n++) {
      correct += Number(largest(logits.subarray(n * classes, (n + 1) * classes)) === labels[n]);
    }
    await breath();
  }
  return correct / samples.length;
}
