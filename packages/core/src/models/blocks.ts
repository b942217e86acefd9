import type { Graph } from "../graph/types.js";

/**
 * The block that a node or tensor belongs to: its path up to the first number, `feature.3` of
 * `feature.3.Attention.norm1`, `layer1.0` of `layer1.0.downsample.1`; else its first part, `fc`.
 */
export function blockOf(path: string): string {
  const parts = path.split(":")[0].split(".");
  const number = parts.findIndex((part) => /^\d+$/.test(part));
  return number > 0 ? parts.slice(0, number + 1).join(".") : parts[0];
}

/** The value that each block hands on, in order: the last node of every block. */
export function blockOutputs(graph: Graph): { [block: string]: string } {
  return Object.fromEntries(graph.nodes.map(({ name }) => [blockOf(name), name]));
}
