import type { Graph } from "onebit/graph";

export function hasBinaryWeights({ nodes }: Graph): boolean {
  return nodes.some(({ op }) => op === "binarize-weight");
}

/**
 * Temperature below which all weights of a network are signs, or undefined for a network without
 * progressive binarisation.
 */
export function temperatureThreshold(graph: Graph): number | undefined {
  const thresholds = graph.nodes
    .filter(({ op, inputs }) => op === "binarize-weight" && inputs.length > 1)
    .map(({ attrs }) => attrs.threshold as number);
  return thresholds.length ? Math.min(...thresholds) : undefined;
}
