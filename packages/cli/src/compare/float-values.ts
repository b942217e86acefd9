import { type Graph, type Node, type Tensor, typesOf } from "onebit/graph";
import type { Value } from "./tensors.js";

/** A convolution's bare accumulator: its value, divided by the scale of its output channel. */
export interface Sum {
  readonly node: string;
  readonly scales?: Float64Array;
}

/** What can be seen inside a float network. */
export interface Visible {
  /** Nodes that inference computes from the image, in order. */
  readonly nodes: readonly Node[];
  /** By name of the node. */
  readonly sums: ReadonlyMap<string, Sum>;
}

export function visibleNodes(
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  image: string,
): Visible {
  const live = leadingToOutputs(graph);
  const dependent = new Set([image]);
  const nodes = graph.nodes.filter(({ name, inputs }) => {
    if (!live.has(name) || !inputs.some((input) => dependent.has(input))) return false;
    dependent.add(name);
    return true;
  });
  const sums = new Map<string, Sum>();
  for (const node of nodes) {
    const { name, op } = node;
    if (op === "conv") sums.set(name, { node: name });
    if (op === "binary-conv")
      sums.set(name, { node: name, scales: scalesOf(graph, tensors, node) });
  }
  return { nodes, sums };
}

function leadingToOutputs(graph: Graph): Set<string> {
  const wanted = new Set(Object.values(graph.outputs));
  const live = new Set<string>();
  for (const { name, inputs } of graph.nodes.toReversed()) {
    if (!wanted.has(name)) continue;
    live.add(name);
    for (const input of inputs) wanted.add(input);
  }
  return live;
}

/** Mean |w| per output channel, where the binarisation of a convolution's weights scales by it. */
function scalesOf(
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  conv: Node,
): Float64Array | undefined {
  const producers = new Map(graph.nodes.map((node) => [node.name, node]));
  const node = producers.get(conv.inputs[1]);
  if (node?.op !== "binarize-weight" || node.attrs.scale !== "channel-mean") return undefined;
  let [source] = node.inputs;
  // Clamps and views stand between the tensor and its signs.
  for (let p = producers.get(source); p; p = producers.get(source)) [source] = p.inputs;
  const [outs] = typesOf(graph).get(conv.inputs[1])!.shape;
  return channelMeans(tensors[source].data, outs);
}

function channelMeans(weights: ArrayLike<number>, outs: number): Float64Array {
  const length = weights.length / outs;
  const means = new Float64Array(outs);
  for (let i = 0; i < weights.length; i++) means[Math.floor(i / length)] += Math.abs(weights[i]);
  return means.map((sum) => sum / length);
}

/** Accumulators are whole numbers: dividing and rounding gives them back. */
export function unscaled({ shape, data }: Value, scales: Float64Array): Value {
  const plane = shape[1] * shape[2];
  const sums = data.map((x, i) => Math.round(x / scales[Math.floor(i / plane)]));
  return { shape, data: sums };
}
