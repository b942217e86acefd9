import {
  type Estimator,
  type Graph,
  GraphBuilder,
  type Node,
  opNamed,
  sizeOf,
  typesOf,
} from "onebit/graph";
import { type OnnxTarget, toOnnx, usedTensors } from "onebit/onnx";
import { type WatchedLayer, watchedLayers } from "./watched-layers.js";

/** An estimator that lets less than this share of a gradient through counts as closed. */
export const CLOSED = 0.01;

/** What an engine needs to watch a network. Plain data: it crosses to threads. */
export interface WatchPlan {
  readonly layers: readonly WatchedLayer[];
  readonly signs: readonly WatchedSign[];
  /** The forward pass with what is seen of its signs as outputs; absent where there are no signs. */
  readonly graph?: {
    readonly onnx: Uint8Array;
    /** Names of what is fed: inputs of the network and tensors. */
    readonly feeds: readonly string[];
  };
}

/** One sign of activations. */
export interface WatchedSign {
  readonly name: string;
  readonly channels: number;
  /** Inputs for one micro-batch. */
  readonly elements: number;
}

/** Names of the outputs of a watch graph. */
export const watchOutputs = (sign: string) => ({
  highest: `highest:${sign}`,
  lowest: `lowest:${sign}`,
  closed: `closed:${sign}`,
});

/**
 * The forward pass of a network as its training computes it, with three outputs for each sign y of t:
 *
 *   highest [C]   largest y of each channel over the batch
 *   lowest [C]    largest -y
 *   closed []     share of the t at which |estimator'(t)| < 1/100
 *
 * A channel whose highest and lowest add up to 0 has one sign for the whole batch.
 */
export function watchGraph(
  network: Graph,
  signs: readonly string[],
  estimators: { readonly [name: string]: Estimator } = {},
): Graph {
  const b = GraphBuilder.from({ ...network, outputs: {}, updates: {} }, `signs of ${network.name}`);
  const wanted = new Set(signs);
  for (const node of network.nodes.filter(({ name }) => wanted.has(name))) {
    const { name } = node;
    const axes = b.shape(name).flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const { highest, lowest, closed } = watchOutputs(name);
    b.output(highest, b.op("max", [name], { axes }));
    b.output(lowest, b.op("max", [b.op("neg", [name])], { axes }));
    b.output(closed, b.op("mean", [isClosed(b, node, estimators)]));
  }
  return b.build();
}

/** 1 where next to nothing of a gradient passes the estimator, else 0. */
function isClosed(
  b: GraphBuilder,
  { name, op, inputs, attrs }: Node,
  estimators: { readonly [name: string]: Estimator },
): string {
  const one = b.op("expand", [b.constant(1)], { shape: b.shape(name) });
  const context = { b, inputs, outputs: [name], gradOutputs: [one], needs: [true], estimators };
  const [slope] = opNamed(op).gradient!({ ...context, mode: "training" }, attrs);
  const size = b.op("abs", [slope!]);
  const closed = b.op("less", [size, b.constant(CLOSED)]);
  return b.op("where", [closed, b.constant(1), b.constant(0)]);
}

/** For a network at the batch size of its training. */
export function compileWatching(
  network: Graph,
  {
    target = "cpu",
    estimators,
  }: {
    readonly target?: OnnxTarget;
    readonly estimators?: { readonly [name: string]: Estimator };
  } = {},
): WatchPlan {
  const layers = watchedLayers(network);
  const names = [...new Set(layers.flatMap(({ signs }) => signs))];
  if (!names.length) return { layers, signs: [] };
  const graph = watchGraph(network, names, estimators);
  const types = typesOf(network);
  const signs = names.map((name) => {
    const { shape } = types.get(name)!;
    return { name, channels: shape[1] ?? 1, elements: sizeOf(shape) };
  });
  return {
    layers,
    signs,
    graph: {
      onnx: toOnnx(graph, { target, mode: "training" }),
      feeds: [...graph.inputs.map(({ name }) => name), ...usedTensors(graph)],
    },
  };
}
