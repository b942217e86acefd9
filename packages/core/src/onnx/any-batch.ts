import { OnebitError } from "../errors.js";
import { rebatch } from "../graph/rebatch.js";
import type { Graph } from "../graph/types.js";
import type { Lowered } from "./lower-graph.js";
import type { OnnxNode, OnnxTensor, OnnxValue } from "./model-proto.js";

/** Name of the batch dimension in ONNX. */
export const BATCH = "N";

/** A lowered graph, and the shapes that its inputs and outputs are given in the model. */
export interface Shaped {
  readonly lowered: Lowered;
  /** Shape of a graph value, the batch as "N" where it is open. */
  readonly shapeOf: (value: string) => OnnxValue["shape"];
}

/**
 * A lowering that holds for any batch size, or a sentence that says what fixes it.
 *
 * The graph is lowered for two sizes and the results are compared. Targets of Reshape may differ in
 * one place, which becomes -1 ("what is left over"); where anything else differs the batch size is
 * part of the model.
 */
export function lowerForAnyBatch(graph: Graph, lower: (graph: Graph) => Lowered): Shaped | string {
  const sizes = new Set(graph.inputs.flatMap(({ shape }) => shape.slice(0, 1)));
  if (sizes.size !== 1)
    return `its inputs have first dimensions ${[...sizes].join(", ") || "none"}`;
  try {
    // Not 1, which broadcasts.
    const [a, b] = [2, 3].map((batch) => lower(rebatch(graph, batch)));
    const lowered = merge(a, b);
    if (typeof lowered === "string") return lowered;
    return { lowered, shapeOf: (value) => symbolicShape(value, a, b) };
  } catch (error) {
    if (error instanceof OnebitError) return error.message;
    throw error;
  }
}

function symbolicShape(value: string, a: Lowered, b: Lowered): (number | string)[] {
  const shapes = [a, b].map(({ types }) => types.get(value)!.shape);
  return shapes[0].map((dim, axis) => {
    if (dim === shapes[1][axis]) return dim;
    return dim === 2 ? BATCH : `${dim / 2} * ${BATCH}`;
  });
}

function merge(a: Lowered, b: Lowered): Lowered | string {
  const tensors = [a, b].map(
    ({ initializers }) => new Map(initializers.map((tensor) => [tensor.name, tensor])),
  );
  const targets: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  for (const [i, node] of a.nodes.entries()) {
    const other = b.nodes[i];
    if (!other || !isAlike(node, other)) return dependent(node);
    const inputs: string[] = [];
    for (const [j, input] of node.inputs.entries()) {
      const given = [tensors[0].get(input), tensors[1].get(other.inputs[j])] as const;
      const merged = given[0] && given[1] && mergeTensors(node, j, given[0], given[1]);
      if (!merged && (given[0] || given[1] || input !== other.inputs[j])) return dependent(node);
      if (merged && merged !== given[0]) targets.push(merged);
      inputs.push(merged?.name ?? input);
    }
    nodes.push({ ...node, inputs });
  }
  if (b.nodes.length > nodes.length) return dependent(b.nodes[nodes.length]);
  return { ...a, nodes, initializers: [...a.initializers, ...targets] };
}

const dependent = ({ name }: OnnxNode) => `"${name}" depends on it`;

function isAlike(a: OnnxNode, b: OnnxNode): boolean {
  const shape = ({ name, opType, inputs, outputs, attributes }: OnnxNode) =>
    JSON.stringify([name, opType, inputs.length, outputs, attributes]);
  return shape(a) === shape(b);
}

/** The initialiser to read for both batch sizes, where there is one. */
function mergeTensors(
  node: OnnxNode,
  index: number,
  a: OnnxTensor,
  b: OnnxTensor,
): OnnxTensor | undefined {
  if (a.shape.join() !== b.shape.join()) return undefined;
  if (a.data === b.data) return a;
  const [x, y] = [a, b].map(({ data }) => Array.from(data as ArrayLike<number | bigint>, Number));
  const differing = x.flatMap((value, i) => (Object.is(value, y[i]) ? [] : [i]));
  if (differing.length === 0) return a;
  const isTarget = node.opType === "Reshape" && index === 1 && x.every((dim) => dim > 0);
  if (!isTarget || differing.length > 1) return undefined;
  const data = BigInt64Array.from(x.with(differing[0], -1), BigInt);
  return { name: `${node.name}:target`, shape: a.shape, data };
}
