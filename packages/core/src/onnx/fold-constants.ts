import { outputNames } from "../graph/builder.js";
import { Constants, type Tensors } from "../graph/constants.js";
import type { Graph, Node, Tensor, ValueType } from "../graph/types.js";
import type { OnnxTensor } from "./model-proto.js";

/** A graph in inference mode, split into what depends on its inputs and what does not. */
export interface FoldedGraph {
  /** To be lowered, in order. */
  readonly nodes: readonly Node[];
  /** Value name -> what it is once and for all. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
}

/**
 * Computes, in float64, whatever depends on weights and given scalars alone: binarised weights,
 * clamped scales, reshaped weights. Only the last values of such a chain are kept, and only where
 * something reads them; each bears the name of the tensor it was made from (a checkpoint's key), or
 * its own where that is in use. Nodes that lead to no output are dropped.
 *
 * OnebitError where a tensor that is needed is missing, has another shape or is not finite.
 */
export function foldConstants(
  graph: Graph,
  types: ReadonlyMap<string, ValueType>,
  tensors: Tensors,
  scalars: { readonly [name: string]: number },
): FoldedGraph {
  const constants = new Constants(graph, tensors, scalars);
  const outputs = Object.values(graph.outputs);
  const isFolded = (node: Node) => node.op !== "constant" && constants.has(node.name);
  const nodes = leadingTo(outputs, graph.nodes, isFolded);
  const read = new Set([...nodes.flatMap(({ inputs }) => inputs), ...outputs]);
  // Those without inputs are left to their own lowering, which knows how to store them.
  const kept = [...read].filter(
    (name) => constants.has(name) && constants.producer(name)?.op !== "constant",
  );
  const names = officialNames(kept, constants);
  return {
    nodes,
    constants: new Map(
      kept.map((name) => {
        const value = constants.get(name);
        return [name, { name: names.get(name)!, ...stored(value, types.get(name)!) }];
      }),
    ),
  };
}

/** The nodes that `outputs` depend on; where a node is `cut`, what is behind it does not count. */
function leadingTo(
  outputs: readonly string[],
  nodes: readonly Node[],
  cut: (node: Node) => boolean,
): Node[] {
  const wanted = new Set(outputs);
  const live: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (cut(node) || !outputNames(node).some((name) => wanted.has(name))) continue;
    live.push(node);
    for (const input of node.inputs) wanted.add(input);
  }
  return live.reverse();
}

/** The name of the tensor that a constant was made from, where it is the only one to want it. */
function officialNames(kept: readonly string[], constants: Constants): Map<string, string> {
  const taken = new Set(kept.filter((name) => constants.producer(name) === undefined));
  const names = new Map<string, string>();
  for (const name of kept) {
    const key = constants.tensorBehind(name);
    const own = taken.has(name) || taken.has(key) || !constants.isTensor(key);
    names.set(name, own ? name : key);
    taken.add(names.get(name)!);
  }
  return names;
}

function stored({ shape, data }: Tensor, { dtype }: ValueType): Omit<OnnxTensor, "name"> {
  if (dtype === "bool") return { shape, data: new Uint8Array(data) };
  return { shape, data: data instanceof Float32Array ? data : new Float32Array(data) };
}
