import { type Graph, typesOf } from "onebit/graph";
import { buildModel } from "onebit/models";
import { bareShape, type ConvShape, shapeName } from "./bare-convolution.js";

export interface KernelShape extends ConvShape {
  /** Networks that have such a convolution. */
  readonly networks: readonly string[];
}

/** The distinct binary convolutions of networks, first the common yardstick 3x3 256, 14x14. */
export function kernelShapes(names: readonly string[] = ["bnext-t", "reactnet-a"]): KernelShape[] {
  const distinct = new Map<string, ConvShape & { networks: string[] }>();
  distinct.set(shapeName(bareShape), { ...bareShape, networks: [] });
  for (const name of names) {
    for (const shape of binaryConvolutions(buildModel(name))) {
      const key = shapeName(shape);
      const known = distinct.get(key) ?? { ...shape, networks: [] };
      if (!known.networks.includes(name)) known.networks.push(name);
      distinct.set(key, known);
    }
  }
  return [...distinct.values()];
}

function binaryConvolutions(graph: Graph): ConvShape[] {
  const types = typesOf(graph);
  return graph.nodes
    .filter(({ op }) => op === "binary-conv")
    .map(({ inputs: [x, w], attrs }) => {
      const [, inputs, ...size] = types.get(x)!.shape;
      const [outputs, , ...kernel] = types.get(w)!.shape;
      const { stride, padding, groups } = attrs;
      return {
        ...{ inputs, outputs, groups: Number(groups) },
        ...{ size: pair(size), kernel: pair(kernel), stride: pair(stride), padding: pair(padding) },
      };
    });
}

function pair(value: unknown): readonly [number, number] {
  const [first, second] = value as readonly number[];
  return [first, second];
}
