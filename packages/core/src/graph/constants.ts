import { OnebitError } from "../errors.js";
import { opNamed } from "../ops/index.js";
import type { EvaluateContext } from "../ops/op.js";
import { outputNames } from "./builder.js";
import { type Graph, type Node, sizeOf, type Tensor } from "./types.js";

/** Tensors by key. An object with getters may read each one when it is asked for. */
export type Tensors = { readonly [key: string]: Tensor };

/** Constants are computed in float64 from the tensors. */
export const float64: EvaluateContext = {
  mode: "inference",
  array: (length) => new Float64Array(length),
};

/**
 * The values of a graph that do not depend on the image. Each is computed when it is asked for and
 * not kept, so that packing holds one layer's weights at a time.
 */
export class Constants {
  readonly #graph: Graph;
  readonly #tensors: Tensors;
  readonly #scalars: { readonly [name: string]: number };
  readonly #producers = new Map<string, Node>();

  constructor(graph: Graph, tensors: Tensors, scalars: { readonly [name: string]: number }) {
    this.#graph = graph;
    this.#tensors = tensors;
    this.#scalars = scalars;
    for (const node of graph.nodes) {
      if (!node.inputs.every((input) => this.has(input))) continue;
      for (const name of outputNames(node)) this.#producers.set(name, node);
    }
  }

  has(name: string): boolean {
    return this.producer(name) !== undefined || this.isTensor(name) || this.#isScalar(name);
  }

  get(name: string): Tensor {
    const node = this.producer(name);
    if (node) return this.#evaluate(node, name);
    if (!this.#isScalar(name)) return this.#read(name);
    return { shape: [], data: Float64Array.of(this.#scalars[name]) };
  }

  /** The node that computes a constant; none for tensors and scalar inputs. */
  producer(name: string): Node | undefined {
    return this.#producers.get(name);
  }

  /** Graph nodes that went into a constant. */
  covers(name: string): string[] {
    const node = this.producer(name);
    if (!node) return [];
    return [...node.inputs.flatMap((input) => this.covers(input)), node.name];
  }

  /** The tensor that a constant is a view or clamp of: what a user knows it by. */
  tensorBehind(name: string): string {
    const node = this.producer(name);
    return node?.inputs.length ? this.tensorBehind(node.inputs[0]) : name;
  }

  isTensor(name: string): boolean {
    return Object.hasOwn(this.#graph.tensors, name);
  }

  #isScalar(name: string): boolean {
    return Object.hasOwn(this.#scalars, name);
  }

  #evaluate(node: Node, name: string): Tensor {
    const inputs = node.inputs.map((input) => this.get(input));
    const results = opNamed(node.op).evaluate(inputs, node.attrs, float64);
    return results[outputNames(node).indexOf(name)];
  }

  #read(key: string): Tensor {
    const { shape } = this.#graph.tensors[key];
    const given = Object.hasOwn(this.#tensors, key) ? this.#tensors[key] : undefined;
    if (!given) throw new OnebitError(`${key}: no tensor given, shape [${shape}] wanted`);
    if (given.data.length !== sizeOf(shape)) {
      throw new OnebitError(`${key}: shape [${shape}] wanted, [${given.shape}] given`);
    }
    const bad = given.data.findIndex((x) => !Number.isFinite(x));
    if (bad < 0) return { shape, data: given.data };
    throw new OnebitError(`${key}: element ${bad} is ${given.data[bad]}; weights must be finite`);
  }
}
