import { type Graph, type Node, outputNames, sizeOf } from "onebit/graph";

/** A layer that a training watches: one with weights, or signs that lead to none. */
export interface WatchedLayer {
  /** The key of its weight without ".weight", such as "layer1.0.conv1"; else the name of the sign. */
  readonly name: string;
  /** Key of its weight. */
  readonly weight?: string;
  /** Names of the sign nodes that make its input. */
  readonly signs: readonly string[];
}

/** Ops with a weight behind their first input. */
const WEIGHTED = new Set(["conv", "binary-conv", "linear", "matmul"]);
/** What signs pass on their way to a layer. */
const TRANSPARENT = new Set([
  ...["reshape", "transpose", "pad", "max-pool", "concat", "slice", "expand", "detach"],
]);

/**
 * Layers of a network in its order: those with weights (real ones too), each with the signs of its input.
 * Signs that several layers read belong to each of them.
 */
export function watchedLayers(network: Graph): WatchedLayer[] {
  const trace = new Trace(network);
  const signsOf = new Map<string, Set<string>>();
  for (const { op, inputs } of network.nodes) {
    if (!WEIGHTED.has(op) || !trace.seesImages(inputs[0])) continue;
    const weight = trace.weightBehind(inputs[1]);
    if (weight === undefined) continue;
    const known = signsOf.get(weight) ?? new Set();
    signsOf.set(weight, known);
    for (const sign of trace.signsBehind(inputs[0])) known.add(sign);
  }
  const layers = [...signsOf].map(([weight, signs]) => ({
    name: weight.replace(/\.weights?$/, ""),
    weight,
    signs: [...signs],
  }));
  const claimed = new Set(layers.flatMap(({ signs }) => signs));
  const others = trace.signs.filter((name) => !claimed.has(name));
  return [...layers, ...others.map((name) => ({ name, signs: [name] }))];
}

/** Where values of a graph come from. */
class Trace {
  /** Signs of activations; those of weights are not among them. */
  readonly signs: readonly string[];
  readonly #network: Graph;
  readonly #producers = new Map<string, Node>();
  /** Values that images decide. */
  readonly #seeing: Set<string>;

  constructor(network: Graph) {
    this.#network = network;
    this.#seeing = new Set(
      network.inputs.filter(({ shape }) => shape.length).map(({ name }) => name),
    );
    for (const node of network.nodes) {
      const sees = node.inputs.some((input) => this.#seeing.has(input));
      for (const output of outputNames(node)) {
        this.#producers.set(output, node);
        if (sees) this.#seeing.add(output);
      }
    }
    this.signs = network.nodes.filter((node) => this.#isSign(node)).map(({ name }) => name);
  }

  seesImages(value: string): boolean {
    return this.#seeing.has(value);
  }

  /** The largest parameter that a weight is made of; undefined where images are among what it is made of. */
  weightBehind(value: string): string | undefined {
    if (this.#seeing.has(value)) return undefined;
    const { tensors } = this.#network;
    const keys = this.#reach(value, () => true).filter((name) => Object.hasOwn(tensors, name));
    const size = (key: string) => sizeOf(tensors[key].shape);
    return keys.toSorted((a, b) => size(b) - size(a))[0];
  }

  signsBehind(value: string): string[] {
    const passes = ({ op }: Node) => TRANSPARENT.has(op);
    return this.#reach(value, passes).filter((name) => {
      const node = this.#producers.get(name);
      return node !== undefined && this.#isSign(node);
    });
  }

  #isSign({ op, name }: Node): boolean {
    return op === "sign" && this.#seeing.has(name);
  }

  /** A value, and all that it is made of by way of such nodes. */
  #reach(value: string, passes: (node: Node) => boolean): string[] {
    const reached = new Set([value]);
    for (const name of reached) {
      const node = this.#producers.get(name);
      if (node && passes(node)) for (const input of node.inputs) reached.add(input);
    }
    return [...reached];
  }
}
