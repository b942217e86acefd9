import { evaluate } from "../graph/evaluate.js";
import type { Graph, Mode, Tensor } from "../graph/types.js";

/** dL/dx of L = sum over outputs y of sum(y * weight), by central differences in float64. */
export interface DifferenceOptions {
  readonly graph: Graph;
  readonly feeds: { readonly [name: string]: Tensor };
  /** Output name -> weight of each element in L. */
  readonly weights: { readonly [output: string]: Tensor };
  readonly mode: Mode;
}

const STEP = 1e-5;

/** The derivative with respect to each of the given elements of one input. */
export function centralDifferences(
  { graph, feeds, weights, mode }: DifferenceOptions,
  input: string,
  elements: readonly number[],
): number[] {
  const { shape, data } = feeds[input];
  const lossAt = (element: number, shift: number) => {
    const moved = Float64Array.from(data);
    moved[element] += shift;
    const nudged = { ...feeds, [input]: { shape, data: moved } };
    const { outputs } = evaluate(graph, nudged, {}, { mode, precision: 64 });
    return Object.entries(weights).reduce(
      (loss, [output, weight]) => loss + dot(outputs[output], weight),
      0,
    );
  };
  return elements.map((element) => (lossAt(element, STEP) - lossAt(element, -STEP)) / (2 * STEP));
}

function dot(a: Tensor, b: Tensor): number {
  let total = 0;
  for (let i = 0; i < a.data.length; i++) total += a.data[i] * b.data[i];
  return total;
}
