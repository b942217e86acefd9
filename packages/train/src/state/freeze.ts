import { UsageError, visible } from "onebit";
import type { Graph, Node } from "onebit/graph";
import { closest } from "onebit/words";
import { matchesKey } from "./patterns.js";

/**
 * A network some of whose tensors are not trained: those whose keys fit a pattern (* stands for any
 * characters). Nothing changes them, neither the optimiser nor a forward pass; a batch normalisation whose
 * running statistics are among them normalises with these.
 *
 * UsageError for a pattern that fits no tensor.
 */
export function freeze(network: Graph, patterns: readonly string[]): Graph {
  if (!patterns.length) return network;
  const keys = Object.keys(network.tensors);
  for (const pattern of patterns) checkPattern(pattern, keys, network.name);
  const isFrozen = (key: string) => patterns.some((pattern) => matchesKey(pattern, key));
  const tensors = Object.entries(network.tensors).map(([key, spec]) => {
    const changes = spec.kind === "parameter" || spec.kind === "counter";
    return [key, changes && isFrozen(key) ? { ...spec, kind: "buffer" } : spec];
  });
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

function checkPattern(pattern: string, keys: readonly string[], network: string): void {
  if (keys.some((key) => matchesKey(pattern, key))) return;
  const near = closest(pattern, keys);
  const some = keys.length > 8 ? [...keys.slice(0, 4), "...", ...keys.slice(-2)] : keys;
  throw new UsageError(
    `freeze "${visible(pattern)}": ${visible(network)} has no such tensor: ${near ? `did you mean "${near}"? ` : ""}There are ${some.map((key) => visible(key)).join(", ")}; * stands for any characters`,
  );
}
