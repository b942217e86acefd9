import { OnebitError } from "../errors.js";
import type { Constants } from "../graph/constants.js";
import type { Node, Shape } from "../graph/types.js";
import type { MapShape } from "../program/geometry.js";
import type { ZeroWeights } from "./binary-weights.js";
import {
  isBits,
  type PackNetwork,
  type PackNode,
  type PackOp,
  type PerChannel,
} from "./network.js";
import { perChannel } from "./per-channel.js";
import type { Specialised } from "./specialise.js";
import { translators } from "./translators.js";

/** A map seen as the vector of its elements in the order C, H, W. Only a linear op can read it. */
export interface Flattened {
  readonly flattened: PackNode;
}

/**
 * A map with rows and columns around it: of one number, or of copies of its border. Only a
 * convolution or a pool can read it.
 */
export interface Padded {
  readonly padded: PackNode;
  readonly before: readonly [number, number];
  readonly after: readonly [number, number];
  readonly value: number | "replicate";
}

type Value = PackNode | Flattened | Padded;

/** What the translation of one graph node can ask for and add. */
export class Translation {
  readonly #nodes: PackNode[] = [];
  readonly #values = new Map<string, Value>();
  readonly #covers = new Map<PackNode, string[]>();
  /** Of bits that are signs of -1 and +1: those numbers. */
  readonly #numbers = new Map<PackNode, PackNode>();

  constructor(
    readonly source: Specialised,
    readonly zeroWeights?: ZeroWeights,
  ) {
    const { name, shape } = source.input;
    const op = { kind: "input", vector: shape.length === 2 } as const;
    this.define(name, this.#push(name, op, [], mapShape(shape, name), []));
  }

  get constants(): Constants {
    return this.source.constants;
  }

  define(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  /** The node of a graph value that depends on the image; a flattened or padded map is refused. */
  input(node: Node, index: number): PackNode {
    const value = this.raw(node, index);
    if ("op" in value) return value;
    const [what, who] =
      "flattened" in value
        ? ["a flattened map", "linear"]
        : ["a padded map", "convolutions and pools"];
    throw cannotPack(node, `reads "${node.inputs[index]}", ${what}; only ${who} can`);
  }

  raw(node: Node, index: number): Value {
    const name = node.inputs[index];
    if (this.constants.has(name))
      throw cannotPack(node, `input "${name}" does not depend on the image`);
    const value = this.#values.get(name);
    if (!value) throw cannotPack(node, `reads "${name}", which inference does not compute`);
    return value;
  }

  /** The same, as float32: bits are expanded to -1 and +1. */
  floatInput(node: Node, index: number): PackNode {
    return this.asFloat(this.input(node, index));
  }

  asFloat(value: PackNode): PackNode {
    if (!isBits(value)) return value;
    const known = this.#numbers.get(value) ?? this.#find(value, isIdentity);
    return known ?? this.#push(`${value.name}:float`, { kind: "affine" }, [value], value.shape, []);
  }

  /** The mean of a map, taken once however many graph nodes ask for it (BNext's twin 1x1 units do). */
  mean(node: Node): PackNode | undefined {
    const input = this.input(node, 0);
    const known = this.#find(input, ({ kind }) => kind === "mean");
    if (!known) return this.add(node, { kind: "mean" }, [input]);
    this.skip(node, known);
    return undefined;
  }

  #find(input: PackNode, isWanted: (op: PackOp) => boolean): PackNode | undefined {
    return this.#nodes.find(({ op, inputs }) => inputs[0] === input && isWanted(op));
  }

  /** A constant with one number per channel of `node`'s value. */
  perChannel(node: Node, index: number): PerChannel {
    const shape = this.source.shapes.get(node.name)!;
    const constant = this.constants.get(node.inputs[index]);
    try {
      return perChannel(constant, shape);
    } catch (error) {
      if (!(error instanceof OnebitError)) throw error;
      throw cannotPack(node, `"${node.inputs[index]}" ${error.message}`);
    }
  }

  /** [H, W, C] of a graph node's value. */
  shape(node: Node): MapShape {
    return mapShape(this.source.shapes.get(node.name)!, node.name);
  }

  /** Adds what `node` becomes, named as its value; `absorbed`: other graph nodes in it. */
  add(
    node: Node,
    op: PackOp,
    inputs: readonly PackNode[],
    absorbed: readonly string[] = [],
  ): PackNode {
    const constants = node.inputs.flatMap((name) => this.constants.covers(name));
    const covers = [...absorbed, ...constants, node.name];
    return this.#push(node.name, op, inputs, this.shape(node), covers);
  }

  /** Adds a value on the way to `node`'s, named "node:label". */
  addPart(node: Node, label: string, op: PackOp, inputs: readonly PackNode[]): PackNode {
    return this.#push(`${node.name}:${label}`, op, inputs, this.shape(node), [node.name]);
  }

  /** Adds bits made of others: `op` gives -1 and +1, which are stored as bits where bits are wanted. */
  addBits(
    node: Node,
    op: PackOp,
    inputs: readonly PackNode[],
    absorbed: readonly string[] = [],
  ): PackNode {
    const numbers = this.addPart(node, "numbers", op, inputs);
    const threshold = new Float64Array(numbers.shape[2]);
    const bits = this.add(node, { kind: "bits", threshold, zero: -1 }, [numbers], absorbed);
    this.#numbers.set(bits, numbers);
    return bits;
  }

  /** The value of `node` is that of its input: whatever computes that covers it. */
  skip(node: Node, value: Value): void {
    const origin = "op" in value ? value : "flattened" in value ? value.flattened : value.padded;
    this.#covers.get(origin)!.push(node.name);
    this.define(node.name, value);
  }

  network(): PackNetwork {
    const outputs = Object.entries(this.source.outputs).flatMap(([name, value]) => {
      const found = this.#values.get(value);
      if (!found)
        throw new OnebitError(`output "${name}": "${value}" does not depend on the image`);
      // Merely the elements of a map in another order: nothing is computed, nothing to keep.
      if ("flattened" in found) return [];
      if ("op" in found) return [[name, this.asFloat(found)] as const];
      throw new OnebitError(`output "${name}": a padded map cannot be an output`);
    });
    return { nodes: this.#nodes, outputs: Object.fromEntries(outputs) };
  }

  #push(
    name: string,
    op: PackOp,
    inputs: readonly PackNode[],
    shape: MapShape,
    covers: readonly string[],
  ): PackNode {
    // No step computes the program's input: its first reader takes over what it covers.
    const inherited = inputs.includes(this.#nodes[0]) ? this.#covers.get(this.#nodes[0])! : [];
    const node = { name, op, inputs, shape, covers: [...inherited.splice(0), ...covers] };
    this.#covers.set(node, node.covers);
    this.#nodes.push(node);
    return node;
  }
}

/** Graph nodes to pack nodes, one by one; throws where an op has no packed form. */
export function translate(source: Specialised, zeroWeights?: ZeroWeights): PackNetwork {
  const translation = new Translation(source, zeroWeights);
  for (const node of source.nodes) {
    const rule = Object.hasOwn(translators, node.op) ? translators[node.op] : undefined;
    if (!rule) throw cannotPack(node, "there is no packed form of this op");
    const value = rule(translation, node);
    if (value) translation.define(node.name, value);
  }
  return translation.network();
}

export function cannotPack(node: Node, why: string): OnebitError {
  return new OnebitError(`${node.name} (${node.op}): cannot be packed: ${why}`);
}

export function isIdentity(op: PackOp): boolean {
  return op.kind === "affine" && !op.scale && !op.shift;
}

/** [1, C, H, W] or [1, C] to [H, W, C]. */
function mapShape(shape: Shape, name: string): MapShape {
  if (shape.length === 4) return [shape[2], shape[3], shape[1]];
  if (shape.length === 2) return [1, 1, shape[1]];
  throw new OnebitError(
    `${name}: cannot be packed: shape [${shape}] is neither [N, C, H, W] nor [N, C]`,
  );
}
