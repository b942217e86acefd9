import { UsageError, visible } from "onebit";
import type { Graph, Node, TensorSpec } from "onebit/graph";
import { checkPattern, matchesKey } from "./patterns.js";

/**
 * A network some of whose tensors are not trained: those whose keys fit a pattern (* stands for any
 * characters). Nothing changes them, neither the optimiser nor a forward pass; a batch normalisation whose
 * running statistics are among them normalises with these.
 *
 * UsageError for a pattern that fits no tensor, and where nothing is left to train.
 */
export function freeze(network: Graph, patterns: readonly string[]): Graph {
  if (!patterns.length) return network;
  for (const pattern of patterns) checkPattern("freeze", pattern, network);
  const isFrozen = (key: string) => patterns.some((pattern) => matchesKey(pattern, key));
  const tensors = Object.entries(network.tensors).map(([key, spec]): [string, TensorSpec] => {
    const changes = spec.kind === "parameter" || spec.kind === "counter";
    return [key, changes && isFrozen(key) ? { ...spec, kind: "buffer" } : spec];
  });
  if (!tensors.some(([, { kind }]) => kind === "parameter")) {
    throw new UsageError(
      `freeze ${patterns.map((pattern) => `"${visible(pattern)}"`).join(", ")}: nothing of ${visible(network.name)} is left to train`,
    );
  }
  const updates = Object.entries(network.updates).filter(([key]) => !isFrozen(key));
  return {
    ...network,
    tensors: Object.fromEntries(tensors),
    nodes: network.nodes.map((node) => withFrozenStatistics(node, isFrozen)),
    updates: Object.fromEntries(updates),
  };
}

function withFrozenStatistics(node: Node, isFrozen: (key: string) => boolean): Node {
  if (node.op !== "batch-norm") return node;
  const [, , , mean, variance] = node.inputs;
  return isFrozen(mean) && isFrozen(variance)
    ? { ...node, attrs: { ...node.attrs, frozen: true } }
    : node;
}
