import { type Graph, type Init, sizeOf, type Tensor } from "onebit/graph";
import { type Random, rng } from "../data/random.js";

/**
 * Initial value of every tensor. Each tensor draws from its own stream, named by its key, so the
 * values do not depend on the order of the tensors or on what else a network has.
 */
export function initialTensors(graph: Graph, seed: number): { [key: string]: Tensor } {
  return Object.fromEntries(
    Object.entries(graph.tensors).map(([key, { shape, init }]) => {
      const data = new Float32Array(sizeOf(shape));
      fill(data, init, rng(seed, "init", key));
      return [key, { shape, data }];
    }),
  );
}

function fill(data: Float32Array, init: Init, random: Random): void {
  switch (init.kind) {
    case "constant":
      data.fill(init.value);
      return;
    case "normal":
      for (let i = 0; i < data.length; i++) data[i] = init.std * random.normal();
      return;
    case "uniform":
      for (let i = 0; i < data.length; i++) data[i] = random.uniform(init.low, init.high);
      return;
    case "uniform-fan-in": {
      const bound = 1 / Math.sqrt(init.fanIn);
      for (let i = 0; i < data.length; i++) data[i] = random.uniform(-bound, bound);
      return;
    }
    default:
      init satisfies never;
  }
}
