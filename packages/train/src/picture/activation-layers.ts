import type { Graph, Node, Tensor } from "onebit/graph";
import type { Tensors } from "../run/float-model.js";

/** One number per channel. */
export type PerChannel = Tensor["data"];

/** A sign, and the threshold that it is taken around: y = +1 where x > threshold[c]. */
export interface SignLayer {
  readonly kind: "sign";
  readonly name: string;
  /** Values of the graph: x, and x - threshold, of which the signs are taken. */
  readonly input: string;
  readonly shifted: string;
  /** All 0 where nothing is learned. */
  readonly threshold?: PerChannel;
}

/**
 * A PReLU, and the shifts around it: y = x - from + to where x > from, else slope (x - from) + to, with from =
 * -before[c] and to = after[c] (RPReLU, arXiv 2003.03488). A shift that is missing is 0.
 */
export interface PreluLayer {
  readonly kind: "prelu";
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly slope: PerChannel;
  readonly before?: PerChannel;
  readonly after?: PerChannel;
}

/** A sign or a PReLU of a network. */
export type ActivationLayer = SignLayer | PreluLayer;

/**
 * Every sign and PReLU of a network, in its order, with what was learned for them. Only the graph is looked at, so
 * that it is the same for all families, and for packed networks that were unpacked: there, thresholds and shifts
 * hold what packing has folded into them (batch normalisation).
 */
export function activationLayers(graph: Graph, tensors: Tensors): ActivationLayer[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const readers = readersOf(graph);
  return graph.nodes.flatMap((node): ActivationLayer[] => {
    if (node.op === "sign") return [signLayer(node, nodes, tensors)];
    const slope = node.op === "prelu" ? tensors[node.inputs[1]] : undefined;
    return slope ? [preluLayer(node, slope.data, nodes, readers, tensors)] : [];
  });
}

function readersOf({ nodes }: Graph): Map<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of nodes)
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  return readers;
}

function signLayer(node: Node, nodes: ReadonlyMap<string, Node>, tensors: Tensors): SignLayer {
  const { name, inputs } = node;
  const shift = shiftOf(nodes.get(inputs[0]), tensors);
  const input = shift?.of ?? inputs[0];
  return { kind: "sign", name, input, shifted: inputs[0], threshold: shift?.by.map((b) => 0 - b) };
}

function preluLayer(
  { name, inputs }: Node,
  slope: PerChannel,
  nodes: ReadonlyMap<string, Node>,
  readers: ReadonlyMap<string, readonly Node[]>,
  tensors: Tensors,
): PreluLayer {
  const before = shiftOf(nodes.get(inputs[0]), tensors);
  // A shift that only a sign reads is its threshold.
  const isThreshold = (node: Node) =>
    readers.get(node.name)?.every(({ op }) => op === "sign") ?? false;
  const next = readers.get(name) ?? [];
  const after = next.length === 1 && !isThreshold(next[0]) ? shiftOf(next[0], tensors) : undefined;
  return {
    ...{ kind: "prelu", name, slope, before: before?.by, after: after?.by },
    input: before?.of ?? inputs[0],
    output: after ? next[0].name : name,
  };
}

/** y = x + by[c]: which x, and by how much; undefined for any other node. */
function shiftOf(
  node: Node | undefined,
  tensors: Tensors,
): { readonly of: string; readonly by: PerChannel } | undefined {
  if (!node || !["bias", "add", "sub"].includes(node.op)) return undefined;
  const [of, by] = node.inputs;
  const vector = tensors[by];
  if (!vector || vector.data.length !== Math.max(...vector.shape)) return undefined;
  return { of, by: node.op === "sub" ? vector.data.map((t) => 0 - t) : vector.data };
}
