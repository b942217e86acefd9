import { OnebitError, type SignalLike } from "onebit";
import type { Graph } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import { scalarInputs } from "onebit/models";
import { counted } from "onebit/words";
import {
  type BadPicture,
  type ClassMatch,
  type Dataset,
  type Loader,
  matchClasses,
  openLoader,
  preprocessFor,
} from "../data/index.js";
import { createEngine } from "../engine/node.js";
import { compileEvaluation } from "../engine/plan.js";
import { startEngine } from "../engine/start.js";
import type { Engine, Scalars } from "../engine/types.js";
import {
  askedOutputs,
  type Evaluated,
  EvaluatedBatches,
  type Metrics,
  measure,
} from "../hooks/index.js";
import { adamDefaults } from "../optimisers/index.js";
import { providerOf, type TrainingBackend } from "../runtime/providers.js";
import { flatten, initialTensors, layoutOf } from "../state/index.js";
import type { Tensors } from "./float-model.js";
import { type Accuracy, Scoreboard } from "./scores.js";

/** On which images a float model is evaluated, and how. */
export interface EvaluateFloatOptions {
  readonly batch?: number;
  readonly backend?: TrainingBackend;
  readonly threads?: number;
  readonly dataWorkers?: number;
  readonly part?: "train" | "test";
  readonly preprocess?: Preprocess;
  /** Names of the network's classes; those of the data are matched with them. */
  readonly labels?: readonly string[];
  /** Leave out pictures that cannot be used, and list them, instead of failing at the first. */
  readonly skipBad?: boolean;
  /** Value of the scalar input, where the network has one; default: what its mirrors hold. */
  readonly temperature?: number;
  /** Figures of one's own. */
  readonly metrics?: Metrics;
  readonly worker?: boolean;
  readonly signal?: SignalLike;
  readonly onProgress?: (images: number, of: number) => void;
}

/** How well a float model does on a data set. */
export interface FloatEvaluation extends Accuracy {
  /** Of the network, in its order. */
  readonly classes: readonly string[];
  /** How classes were matched, where that is worth knowing. */
  readonly notes: readonly string[];
  /** Pictures that could not be used. */
  readonly bad: readonly BadPicture[];
  /** counts[truth][prediction]. */
  readonly confusion: readonly (readonly number[])[];
  /** Predicted class of every image, in the order of the split; -1 for a picture left out. */
  readonly predictions: Int32Array;
  /** From the first image read to the last result: reading and preparing images included. */
  readonly imagesPerSecond: number;
}

/** Evaluates a network in float32 on ONNX Runtime. */
export async function evaluateFloat(
  graph: Graph,
  tensors: Tensors,
  dataset: Dataset,
  options: EvaluateFloatOptions = {},
): Promise<FloatEvaluation> {
  const { batch = 64, threads = 1, dataWorkers, part = "test", worker = true, signal } = options;
  const { backend = "cpu" } = options;
  const { target } = providerOf(backend);
  const [channels, height, width] = inputOf(graph);
  const preprocess =
    options.preprocess ?? preprocessFor(dataset, { channels, size: [height, width] });
  const { metrics = {} } = options;
  const outputs = askedOutputs(metrics, graph);
  const size = Math.min(batch, dataset[part].length);
  const evaluation = compileEvaluation(graph, size, { outputs, target });
  const network = { classes: evaluation.classes, labels: options.labels };
  const match = matchClasses(network, dataset);
  const layout = layoutOf(graph, new Set(), adamDefaults);
  // Counters, mirrors and dead tensors may be missing: evaluation does not read them.
  const values = flatten(layout, {
    ...initialTensors(graph, 0),
    ...known(graph, tensors, evaluation.tensors),
  });
  const { temperature = 0, ...others } = scalarInputs(graph, tensors);
  const scalars = { ...others, temperature: options.temperature ?? temperature };
  const unset = evaluation.scalars.find((name) => !(name in scalars));
  if (unset !== undefined) {
    throw new OnebitError(
      `${graph.name}: nothing says what its scalar input "${unset}" is: no tensor mirrors it`,
    );
  }
  const engine = await (worker ? startEngine : createEngine)(
    { layout, evaluation, threads, backend },
    values,
  );
  const loader = openLoader(dataset, { workers: dataWorkers });
  try {
    return await evaluateSplit({
      ...{ engine, loader, dataset, part, preprocess, signal, match },
      skipBad: options.skipBad,
      batch: evaluation.input[0],
      scalars,
      onProgress: options.onProgress,
      own: { metrics, weights: async () => structuredClone(tensors) },
    });
  } finally {
    await engine.dispose();
    await loader.close();
  }
}

/** A network and the images that it is evaluated on. */
export interface SplitEvaluation {
  readonly engine: Engine;
  readonly loader: Loader;
  readonly dataset: Dataset;
  readonly part: "train" | "test";
  readonly preprocess: Preprocess;
  /** Which class of the network each of the data is; default: the same. */
  readonly match?: ClassMatch;
  readonly skipBad?: boolean;
  /** As the engine's evaluation graph was compiled. */
  readonly batch: number;
  readonly scalars: Scalars;
  /** Metrics of one's own, and the tensors that they may look at. */
  readonly own?: Pick<Evaluated, "weights"> & {
    readonly metrics: Metrics;
    /** Which evaluation it is, for messages. */
    readonly when?: string;
  };
  readonly signal?: SignalLike;
  readonly onProgress?: (images: number, of: number) => void;
}

/** Runs a whole split through an engine, unshuffled and without augmentation. */
export async function evaluateSplit(options: SplitEvaluation): Promise<FloatEvaluation> {
  const { engine, loader, dataset, part, preprocess, batch, scalars, signal } = options;
  const { match, skipBad, own } = options;
  const classes = match?.classes ?? dataset.classes;
  const stream = loader.batches({
    ...{ split: part, batch, preprocess, skipBad },
    ...{ shuffle: false, dropLast: false },
  });
  const board = new Scoreboard(classes.length);
  const predictions = new Int32Array(stream.items).fill(-1);
  const kept = own && Object.keys(own.metrics).length ? new EvaluatedBatches() : undefined;
  const bad: BadPicture[] = [];
  const started = performance.now();
  let done = 0;
  for await (const { images, labels, count, indices, bad: missing } of stream) {
    signal?.throwIfAborted();
    bad.push(...missing);
    done += count + missing.length;
    if (count === 0) {
      stream.recycle({ images });
      continue;
    }
    const { logits, outputs, recycled } = await engine.evaluate({ images, count, scalars });
    for (const free of recycled) stream.recycle({ images: free });
    const truth = match ? labels.map((label) => match.numbers[label]) : labels;
    kept?.add(truth.subarray(0, count), { ...outputs, logits });
    board.add(logits, truth).forEach((prediction, i) => {
      predictions[indices[i]] = prediction;
    });
    options.onProgress?.(done, stream.items);
  }
  const metrics =
    own &&
    kept &&
    (await measure(own.metrics, { ...kept.all(), classes, weights: own.weights }, own.when));
  return {
    ...board.accuracy(),
    ...(metrics && { metrics }),
    ...{ classes, bad, notes: match?.notes ?? [], predictions },
    confusion: board.rows(),
    imagesPerSecond: (1000 * done) / (performance.now() - started),
  };
}

export function checkClasses(classes: number, dataset: Dataset): void {
  if (classes === dataset.classes.length) return;
  throw new OnebitError(
    `${dataset.spec} has ${counted(dataset.classes.length, "class")}, the network ${classes}: build the network for ${dataset.classes.length} classes`,
  );
}

function inputOf(graph: Graph): [1 | 3, number, number] {
  const shape = graph.inputs.find(({ name }) => name === "x")?.shape ?? [];
  const [, channels, height, width] = shape;
  if (shape.length === 4 && (channels === 1 || channels === 3)) return [channels, height, width];
  throw new OnebitError(
    `${graph.name}: takes [${shape}], images [N, 1 or 3, height, width] are wanted`,
  );
}

function known(graph: Graph, tensors: Tensors, read: readonly string[]): Tensors {
  const missing = read.find((key) => !(key in tensors));
  if (missing) throw new OnebitError(`${graph.name}: no values given for "${missing}"`);
  return Object.fromEntries(Object.entries(tensors).filter(([key]) => key in graph.tensors));
}
