import type { OnnxNode, OnnxTensor } from "./model-proto.js";

/** A model's body. */
export interface OnnxParts {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
}

/** Without nodes whose results nobody reads, and without initialisers that no node reads. */
export function liveParts(
  { nodes, initializers }: OnnxParts,
  outputs: readonly string[],
): OnnxParts {
  const wanted = new Set(outputs);
  const live: OnnxNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    live.push(node);
    for (const input of node.inputs) wanted.add(input);
  }
  return {
    nodes: live.reverse(),
    initializers: initializers.filter(({ name }) => wanted.has(name)),
  };
}
