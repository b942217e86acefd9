import { OnebitError } from "../errors.js";
import { GraphBuilder } from "./builder.js";
import type { Graph } from "./types.js";

/**
 * The same graph for another batch size: the first dimension of every non-scalar input is replaced
 * and all shapes are inferred anew. Only for graphs whose attributes do not hold the batch size
 * (models do not; their gradients do).
 */
export function rebatch(graph: Graph, batch: number): Graph {
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new OnebitError(`batch ${batch}: must be a positive whole number`);
  }
  const inputs = graph.inputs.map(({ name, shape }) => ({
    name,
    shape: shape.length ? [batch, ...shape.slice(1)] : shape,
  }));
  return GraphBuilder.from({ ...graph, inputs }).build();
}
