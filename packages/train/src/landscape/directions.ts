import type { Graph, Tensor } from "onebit/graph";
import { rng } from "../data/random.js";
import type { Tensors } from "../run/float-model.js";

/** A step away from the weights of a network: those tensors that it moves, by key. */
export type Direction = Tensors;

/**
 * A random direction, filter-normalised: of independent normals d, each filter is given the length of the
 * weights' own,
 *
 *   d_f <- d_f * |w_f| / (|d_f| + 1e-10)        f: an output channel, a row of a linear layer
 *
 * Latent weights are moved where weights are binary. What has no filters stays where it is: vectors (biases,
 * batch normalisation, PReLU slopes) and the [1, C, 1, 1] biases and scales of binary networks; so do running
 * statistics. The same seed and axis draw the same normals for tensors of the same name and shape.
 *
 * Source: Li et al., "Visualizing the Loss Landscape of Neural Nets" (arXiv 1712.09913), section 4, and its code,
 * tomgoldstein/loss-landscape.
 */
export function filterNormalised(
  graph: Graph,
  tensors: Tensors,
  seed: number,
  axis: string,
): Direction {
  const moved = Object.keys(graph.tensors).filter((key) => filtersOf(graph, key) > 0);
  return Object.fromEntries(
    moved.map((key) => {
      const { shape, data } = tensors[key];
      const random = rng(seed, "landscape", axis, key);
      const drawn = Float64Array.from(data, () => random.normal());
      return [key, { shape, data: scaled(drawn, data, filtersOf(graph, key)) }];
    }),
  );
}

/** Filters of a tensor: 0 for one that directions leave where it is. */
function filtersOf(graph: Graph, key: string): number {
  const { kind, role, shape } = graph.tensors[key];
  if (kind !== "parameter" || role === "norm" || shape.length < 2) return 0;
  // A gate's convolution may have one output, and the same shape; its role tells.
  if (role === "other" && shape.length === 4 && isPerChannel(shape)) return 0;
  const viewed = graph.nodes.find(({ op, inputs }) => op === "reshape" && inputs[0] === key);
  const whole = (viewed?.attrs.shape as readonly number[] | undefined) ?? shape;
  return whole[0];
}

const isPerChannel = ([first, , height, width]: readonly number[]) =>
  first === 1 && height === 1 && width === 1;

function scaled(drawn: Float64Array, weights: Tensor["data"], filters: number): Float32Array {
  const result = new Float32Array(drawn.length);
  const length = drawn.length / filters;
  for (let f = 0; f < filters; f++) {
    const [from, to] = [f * length, (f + 1) * length];
    const scale = norm(weights, from, to) / (norm(drawn, from, to) + 1e-10);
    for (let i = from; i < to; i++) result[i] = scale * drawn[i];
  }
  return result;
}

function norm(values: ArrayLike<number>, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i] ** 2;
  return Math.sqrt(sum);
}

/** w + a d1 + b d2. */
export function movedBy(
  tensors: Tensors,
  [first, second]: readonly [Direction, Direction],
  [a, b]: readonly [number, number],
): Tensors {
  const moved = Object.entries(first).map(([key, { shape, data }]) => {
    const [weights, other] = [tensors[key].data, second[key].data];
    const sum = data.map((step, i) => weights[i] + a * step + b * other[i]);
    return [key, { shape, data: sum }];
  });
  return { ...tensors, ...Object.fromEntries(moved) };
}
