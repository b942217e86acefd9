import { type Graph, sizeOf, type Tensor, type TensorSpec } from "../graph/types.js";
import { randomStream } from "./draw.js";

/**
 * Weights of a network that has been trained, as far as numbers go: batch-norm statistics, slopes
 * and mixing scales that differ per channel. Temperatures are 0.
 */
export function randomWeights(graph: Graph, seed: number): { [key: string]: Tensor } {
  const random = randomStream(seed);
  return Object.fromEntries(
    Object.entries(graph.tensors).map(([key, spec]) => {
      const data = Float32Array.from({ length: sizeOf(spec.shape) }, () => draw(key, spec, random));
      return [key, { shape: spec.shape, data }];
    }),
  );
}

function draw(key: string, spec: TensorSpec, random: () => number): number {
  const between = (low: number, high: number) => low + (high - low) * random();
  if (spec.kind === "counter" || spec.kind === "mirror") return 0;
  if (key.endsWith("running_var")) return between(0.5, 2);
  if (key.endsWith("running_mean")) return between(-1, 1);
  if (spec.role === "norm" && key.endsWith("weight")) return between(0.5, 1.5);
  if (key.endsWith(".scale")) return between(-0.15, 1.15);
  const { shape } = spec;
  if (shape.length <= 1 || sizeOf(shape) === shape[1]) return between(-0.4, 0.4);
  // Small enough that no gate saturates: a sigmoid near 0 has large relative errors.
  const bound = Math.sqrt(3 / sizeOf(shape.slice(1))) * (spec.role === "gate" ? 0.2 : 1);
  const weight = between(-bound, bound);
  return weight === 0 ? bound : weight;
}

/** Numbers of an image, [N, C, H, W], roughly as normalised ones are. */
export function randomImages(shape: readonly number[], seed: number): Tensor {
  const random = randomStream(seed);
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => 4 * random() - 2) };
}
