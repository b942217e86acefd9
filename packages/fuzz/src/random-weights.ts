import { Random } from "onebit/conformance";
import { type Graph, sizeOf, type Tensor } from "onebit/graph";

/** Numbers that a trained network could have: no zeros, positive variances, temperatures of 0. */
export function randomWeights(graph: Graph, seed: number): { [key: string]: Tensor } {
  const random = new Random(seed);
  return Object.fromEntries(
    Object.entries(graph.tensors).map(([key, { shape, kind }]) => {
      const constant = kind === "counter" || kind === "mirror";
      const low = key.endsWith("running_var") ? 0.5 : -1;
      const draw = () => (constant ? 0 : low + (1.5 - low) * random.number() || 0.5);
      return [key, { shape, data: Float32Array.from({ length: sizeOf(shape) }, draw) }];
    }),
  );
}
