import type { Layout } from "../state/layout.js";
import type { CompiledGraph } from "./types.js";

/** A tensor that the forward pass writes: its place among the updates and among all values. */
export interface UpdateSegment {
  readonly key: string;
  readonly shape: readonly number[];
  /** Clamped parameters are the same whatever the images; statistics are not. */
  readonly parameter: boolean;
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** Updates lie one behind the other in a flat array, in the layout's order. */
export function updateSegments(
  layout: Layout,
  graph: CompiledGraph,
): { segments: readonly UpdateSegment[]; length: number } {
  const written = new Set(graph.updates);
  let length = 0;
  const segments = layout.segments
    .filter(({ key }) => written.has(key))
    .map(({ key, shape, kind, start, end }) => {
      const from = length;
      length += end - start;
      const parameter = kind === "parameter";
      return { key, shape, parameter, from, to: start, length: end - start };
    });
  return { segments, length };
}
