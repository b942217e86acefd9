import { opNamed } from "../ops/index.js";
import { outputNames } from "./builder.js";
import type { Graph, ValueType } from "./types.js";

/** Type of every value of a graph, by name. */
export function typesOf(graph: Graph): Map<string, ValueType> {
  const types = new Map<string, ValueType>();
  for (const { name, shape } of graph.inputs) types.set(name, { shape, dtype: "float32" });
  for (const [key, { shape }] of Object.entries(graph.tensors)) {
    types.set(key, { shape, dtype: "float32" });
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => types.get(input)!);
    const inferred = opNamed(node.op).infer(inputs, node.attrs);
    outputNames(node).forEach((name, i) => {
      types.set(name, inferred[i]);
    });
  }
  return types;
}
