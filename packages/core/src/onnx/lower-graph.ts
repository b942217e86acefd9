import { outputNames } from "../graph/builder.js";
import type { Graph, Mode, Node, ValueType } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { opNamed } from "../ops/index.js";
import { Lowering, type OnnxTarget } from "./lowering.js";
import type { OnnxNode, OnnxTensor } from "./model-proto.js";

export interface LowerOptions {
  readonly target: OnnxTarget;
  readonly mode: Mode;
  /** The graph's nodes to lower; the others' values are among the constants, or unused. */
  readonly nodes: readonly Node[];
  /** Graph value -> initialiser. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
}

/** A graph as ONNX nodes, before anything is dropped or renamed. */
export interface Lowered {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  /** Graph value -> ONNX name. */
  readonly names: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, ValueType>;
}

/** Inputs, and tensors that are no constants, keep their names. */
export function lowerGraph(
  graph: Graph,
  { target, mode, nodes, constants }: LowerOptions,
): Lowered {
  const given = [...constants.values()];
  const lowering = new Lowering(
    target,
    mode,
    new Map(given.map((tensor) => [tensor.name, tensor])),
  );
  const types = typesOf(graph);
  const names = new Map<string, string>();
  for (const { name } of graph.inputs) names.set(name, name);
  for (const key of Object.keys(graph.tensors)) names.set(key, key);
  for (const [value, { name }] of constants) names.set(value, name);
  for (const node of nodes) {
    const outputs = outputNames(node);
    lowering.enter(
      node.name,
      node.inputs.map((input) => names.get(input)!),
      node.inputs.map((input) => types.get(input)!),
      outputs.map((output) => types.get(output)!),
    );
    const lowered = opNamed(node.op).lower(lowering, node.attrs);
    outputs.forEach((name, i) => {
      names.set(name, lowered[i]);
    });
  }
  const initializers = [...given, ...lowering.initializers];
  return { nodes: lowering.nodes, initializers, names, types };
}
