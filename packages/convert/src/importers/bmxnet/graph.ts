import { OnebitError } from "onebit";
import { type Graph, GraphBuilder } from "onebit/graph";
import type { MxnetSymbol, SymbolNode } from "../../readers/mxnet/symbol.js";
import { printable } from "../../readers/text.js";
import type { InputSize } from "../preprocess.js";
import { NodeAttributes } from "./attributes.js";
import { operators } from "./operators.js";

export interface BmxnetNetwork {
  readonly graph: Graph;
  /** Keys of the weights that are packed into words. */
  readonly packed: ReadonlySet<string>;
}

/**
 * The network that a BMXNet symbol describes, as a graph: the image is its input "x", its output
 * "logits"; tensors have the parameters' own names, nodes the operators'. What is not known for
 * certain (an operator, an attribute, a value of one) is an OnebitError that names it.
 */
export function bmxnetGraph(symbol: MxnetSymbol, input: InputSize): BmxnetNetwork {
  const { nodes, heads } = symbol;
  if (heads.length !== 1) {
    throw new OnebitError(`MXNet symbol: ${heads.length} outputs; a classifier has one`);
  }
  const translation = new Translation(nodes, input);
  const [[head]] = heads;
  const needed = ancestors(nodes, head);
  nodes.forEach((node, i) => {
    if (node.op !== "null" && needed.has(i)) translation.add(i);
  });
  const { b, packed } = translation;
  const logits = translation.valueOf(head);
  if (b.shape(logits).length !== 2) {
    throw new OnebitError(
      `MXNet symbol: its output has shape [${b.shape(logits)}]; a classifier has one row of logits`,
    );
  }
  b.output("logits", logits);
  return { graph: b.build(), packed };
}

/** Nodes are in execution order: what a node reads stands before it. */
function ancestors(nodes: readonly SymbolNode[], head: number): Set<number> {
  const needed = new Set([head]);
  for (let i = head; i >= 0; i--) {
    if (needed.has(i)) for (const [input] of nodes[i].inputs) needed.add(input);
  }
  return needed;
}

/** A graph under construction, and which of its values each node of the symbol became. */
export class Translation {
  readonly b = new GraphBuilder("bmxnet");
  readonly packed = new Set<string>();
  readonly #values = new Map<number, string>();
  readonly #signs = new Map<string, string>();
  #image: string | undefined;

  constructor(
    readonly nodes: readonly SymbolNode[],
    readonly input: InputSize,
  ) {}

  add(index: number): void {
    const node = this.nodes[index];
    const operator = Object.hasOwn(operators, node.op) ? operators[node.op] : undefined;
    if (!operator) {
      const known = Object.keys(operators).join(", ");
      throw new OnebitError(
        `${printable(node.name)}: the operator ${printable(node.op)} is not known; these are: ${known}`,
      );
    }
    const attributes = new NodeAttributes(node);
    this.#values.set(index, operator(this, node, attributes));
    attributes.finish();
  }

  valueOf(index: number): string {
    const known = this.#values.get(index);
    if (known !== undefined) return known;
    const { name } = this.nodes[index];
    if (this.#image !== undefined) {
      throw new OnebitError(
        `MXNet symbol: ${this.#image} and ${printable(name)} both come from outside; a classifier has one input`,
      );
    }
    this.#image = printable(name);
    const value = this.b.input("x", [1, ...this.input]);
    this.#values.set(index, value);
    return value;
  }

  /** The value that an operator reads in place `place`. */
  read(node: SymbolNode, place: number): string {
    return this.valueOf(this.#source(node, place));
  }

  /** Name of the parameter that an operator reads in place `place`. */
  parameter(node: SymbolNode, place: number): string {
    const { op, name } = this.nodes[this.#source(node, place)];
    if (op === "null") return name;
    throw new OnebitError(
      `${printable(node.name)} (${printable(node.op)}): ${printable(name)} is computed, a stored parameter is wanted`,
    );
  }

  /** x >= 0 ? +1 : -1. Two convolutions of one value share its signs. */
  signsOf(value: string): string {
    const known = this.#signs.get(value);
    if (known !== undefined) return known;
    const attrs = { estimator: "clip", range: 1, zero: 1 };
    const signs = this.b.op("sign", [value], attrs, `${value}.sign`);
    this.#signs.set(value, signs);
    return signs;
  }

  #source(node: SymbolNode, place: number): number {
    const edge = node.inputs[place];
    if (edge && edge[1] === 0) return edge[0];
    const what = edge ? `reads output ${edge[1]} of another operator` : "is missing";
    throw new OnebitError(
      `${printable(node.name)} (${printable(node.op)}): its input ${place} ${what}`,
    );
  }
}
