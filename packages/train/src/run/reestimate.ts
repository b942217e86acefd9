import { OnebitError, type SignalLike, UsageError } from "onebit";
import { type Graph, rebatch, sizeOf, type Tensor } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import { scalarInputs } from "onebit/models";
import { toOnnx, updateOutput, usedTensors } from "onebit/onnx";
import { type Dataset, openLoader, preprocessFor } from "../data/index.js";
import { nodeRuntime } from "../runtime/node.js";
import type { Bindings } from "../runtime/types.js";
import type { Tensors } from "./float-model.js";

/** On which images statistics are taken again, and how. */
export interface ReestimateOptions {
  /** Images that are normalised together: those of a training step. Default 64. */
  readonly batch?: number;
  /** Training images that are seen; default: all that fill batches. */
  readonly images?: number;
  /** As the network is evaluated; default: as usual for the data. */
  readonly preprocess?: Preprocess;
  /** Decides in which order images come, and so which meet in a batch. Default 0. */
  readonly seed?: number;
  readonly threads?: number;
  readonly dataWorkers?: number;
  readonly signal?: SignalLike;
  readonly onProgress?: (images: number, of: number) => void;
}

/** A network with statistics of its final weights. */
export interface Reestimated {
  /** All, of which only running means and variances are new. */
  readonly tensors: Tensors;
  readonly layers: number;
  readonly images: number;
}

/**
 * Takes the running statistics of batch normalisation again, with the weights as they are: the mean over the
 * batches of mean and unbiased variance, as PyTorch's `update_bn` and a momentum of None do. While training,
 * statistics follow weights that still move, and signs that still flip; ReActNet's published files have them
 * re-estimated. Images come as in evaluation, without augmentation. Frozen layers stay.
 *
 * UsageError where nothing is to be estimated; OnebitError for statistics that are not finite.
 */
export async function reestimate(
  network: Graph,
  tensors: Tensors,
  dataset: Dataset,
  options: ReestimateOptions = {},
): Promise<Reestimated> {
  const { threads = 1, dataWorkers, seed = 0, signal, onProgress = () => {} } = options;
  const batch = Math.min(options.batch ?? 64, dataset.train.length);
  const { graph, keys, layers } = statisticsGraph(rebatch(network, batch));
  const [, channels, height, width] = graph.inputs.find(({ name }) => name === "x")!.shape;
  const usual = { channels: channels as 1 | 3, size: [height, width] as [number, number] };
  const preprocess = options.preprocess ?? preprocessFor(dataset, usual);
  const statistics = await openStatistics(graph, keys, tensors, threads);
  const loader = openLoader(dataset, { workers: dataWorkers });
  try {
    const stream = loader.batches({ split: "train", batch, preprocess, seed, signal });
    const wanted = Math.ceil((options.images ?? stream.items) / batch);
    const batches = Math.min(wanted, stream.batches);
    let done = 0;
    for await (const { images } of stream) {
      signal?.throwIfAborted();
      await statistics.add(images);
      stream.recycle({ images });
      onProgress(++done * batch, batches * batch);
      if (done === batches) break;
    }
    return { tensors: { ...tensors, ...statistics.means() }, layers, images: batches * batch };
  } finally {
    await statistics.release();
    await loader.close();
  }
}

/** Adds up what batches say. */
async function openStatistics(
  graph: Graph,
  keys: readonly string[],
  tensors: Tensors,
  threads: number,
) {
  const runtime = await nodeRuntime();
  const used = usedTensors(graph);
  const missing = used.find((key) => !(key in tensors));
  if (missing) throw new OnebitError(`${graph.name}: no values given for "${missing}"`);
  const feeds: Bindings = {};
  for (const key of used) {
    const { shape, data } = tensors[key];
    feeds[key] = runtime.tensor(Float32Array.from(data), shape);
  }
  const scalars = scalarInputs(graph, tensors);
  const shapes = new Map(graph.inputs.map(({ name, shape }) => [name, shape]));
  for (const [name, value] of Object.entries(scalars)) {
    if (shapes.has(name)) feeds[name] = runtime.tensor(Float32Array.of(value), []);
  }
  const fetches: Bindings = {};
  for (const key of keys) {
    const { shape } = graph.tensors[key];
    fetches[updateOutput(key)] = runtime.tensor(new Float32Array(sizeOf(shape)), shape);
  }
  const onnx = toOnnx(graph, { target: runtime.target, mode: "training" });
  const session = await runtime.createSession(onnx, threads);
  const sums = keys.map((key) => new Float64Array(sizeOf(graph.tensors[key].shape)));
  let batches = 0;
  return {
    async add(images: Float32Array) {
      await session.run({ ...feeds, x: runtime.tensor(images, shapes.get("x")!) }, fetches);
      batches++;
      for (const [i, key] of keys.entries()) {
        fetches[updateOutput(key)].data.forEach((value, c) => {
          sums[i][c] += value;
        });
      }
    },
    means(): Tensors {
      const means = keys.map((key, i) => [key, meanOf(key, sums[i], batches)]);
      return Object.fromEntries(means);
    },
    release: () => session.release(),
  };
}

function meanOf(key: string, sums: Float64Array, batches: number): Tensor {
  const bad = sums.findIndex((value) => !Number.isFinite(value));
  if (bad < 0)
    return { shape: [sums.length], data: Float32Array.from(sums, (sum) => sum / batches) };
  throw new OnebitError(
    `"${key}" would be ${sums[bad]} in channel ${bad}: look at the weights and at the images`,
  );
}

/** The forward pass of a training, up to the statistics of single batches. keys: the running statistics. */
function statisticsGraph(network: Graph): { graph: Graph; keys: string[]; layers: number } {
  const isEstimated = ({ op, attrs }: Graph["nodes"][number]) =>
    op === "batch-norm" && !attrs.frozen;
  const layers = network.nodes.filter(isEstimated);
  const statistics = new Set(
    layers.flatMap(({ inputs: [, , , mean, variance] }) => [mean, variance]),
  );
  const updates = Object.entries(network.updates).filter(([key]) => statistics.has(key));
  if (!updates.length) {
    throw new UsageError(
      `${network.name}: has no batch normalisation whose statistics could be taken again`,
    );
  }
  // A momentum of 1 leaves nothing of the old values.
  const nodes = network.nodes.map((node) =>
    isEstimated(node) ? { ...node, attrs: { ...node.attrs, momentum: 1 } } : node,
  );
  const graph = { ...network, nodes, outputs: {}, updates: Object.fromEntries(updates) };
  return { graph, keys: updates.map(([key]) => key), layers: layers.length };
}
