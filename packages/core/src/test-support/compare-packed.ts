import { evaluate } from "../graph/evaluate.js";
import type { Graph, Tensor } from "../graph/types.js";
import type { Packed } from "../pack/index.js";
import { runValues } from "../runtime/backends/reference/program.js";

export interface Comparison {
  /** Smallest distance of a sign's input from 0: below rounding errors, bits may differ. */
  readonly margin: number;
  /** Program values that have a counterpart in the graph, compared one by one. */
  readonly compared: number;
  readonly differentBits: number;
  /** Largest of max|value - graph value| / max(|graph value|, 0.1: sums may cancel), and where. */
  readonly error: number;
  readonly worst: string;
  /** Graph nodes that no step says it covers. */
  readonly uncovered: readonly string[];
}

/** Runs one image [1, C, H, W] through the packed program and the graph in float64. */
export function comparePacked(
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  { program, tensors: packed }: Packed,
  image: Tensor,
): Comparison {
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, shape.length ? image : 0]),
  );
  const truth = evaluate(graph, feeds, tensors, { precision: 64 }).values;
  const values = runValues(program, packed, channelsLast(image));
  let [error, worst, differentBits, compared] = [0, "", 0, 0];
  program.values.forEach(({ name, kind }, id) => {
    const graphValue = truth.get(name);
    if (!graphValue) return;
    compared++;
    const expected = channelsLast(graphValue);
    let largest = 0.1;
    for (const x of expected) largest = Math.max(largest, Math.abs(x));
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(values[id][i] - expected[i]);
      if (kind === "bits") differentBits += difference === 0 ? 0 : 1;
      else if (!(difference <= error * largest)) [error, worst] = [difference / largest, name];
    }
  });
  const covered = new Set(program.steps.flatMap(({ covers }) => covers));
  return {
    margin: margin(graph, truth),
    compared,
    differentBits,
    error,
    worst,
    uncovered: graph.nodes.map(({ name }) => name).filter((name) => !covered.has(name)),
  };
}

function margin(graph: Graph, values: ReadonlyMap<string, Tensor>): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const { op, inputs } of graph.nodes) {
    if (op !== "sign") continue;
    for (const t of values.get(inputs[0])!.data) smallest = Math.min(smallest, Math.abs(t));
  }
  return smallest;
}

/** [1, C, H, W], or [1, C], to [H, W, C]. */
export function channelsLast({ shape: [, c, h = 1, w = 1], data }: Tensor): Float32Array {
  const result = new Float32Array(data.length);
  for (let channel = 0; channel < c; channel++)
    for (let i = 0; i < h * w; i++) result[i * c + channel] = data[channel * h * w + i];
  return result;
}
