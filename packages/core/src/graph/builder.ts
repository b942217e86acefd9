import { OnebitError } from "../errors.js";
import { opNamed } from "../ops/index.js";
import type { Attributes, Graph, GraphInput, Node, Shape, TensorSpec, ValueType } from "./types.js";

/** Names of a node's outputs: `name`, then `name:label` for the further ones. */
export function outputNames(node: Pick<Node, "name" | "op">): string[] {
  return [
    node.name,
    ...(opNamed(node.op).extraOutputs ?? []).map((label) => `${node.name}:${label}`),
  ];
}

/**
 * Builds a graph node by node. Shapes are inferred at once, so a mistake is reported at the line
 * that makes it. Values are referred to by name.
 */
export class GraphBuilder {
  readonly #inputs: GraphInput[] = [];
  readonly #tensors: Record<string, TensorSpec> = {};
  readonly #nodes: Node[] = [];
  readonly #outputs: Record<string, string> = {};
  readonly #updates: Record<string, string> = {};
  readonly #types = new Map<string, ValueType>();
  readonly #counters = new Map<string, number>();
  readonly #producers = new Map<string, Node>();

  constructor(readonly name: string) {}

  /** A builder that goes on where `graph` ends; existing values keep their names. */
  static from(graph: Graph, name = graph.name): GraphBuilder {
    const b = new GraphBuilder(name);
    for (const { name: input, shape } of graph.inputs) b.input(input, shape);
    for (const [key, spec] of Object.entries(graph.tensors)) b.tensor(key, spec);
    for (const node of graph.nodes) b.op(node.op, node.inputs, node.attrs, node.name);
    for (const [output, value] of Object.entries(graph.outputs)) b.output(output, value);
    for (const [key, value] of Object.entries(graph.updates)) b.update(key, value);
    return b;
  }

  input(name: string, shape: Shape): string {
    this.#inputs.push({ name, shape: checkShape(name, shape) });
    return this.#define(name, { shape, dtype: "float32" });
  }

  tensor(key: string, spec: TensorSpec): string {
    this.#tensors[key] = { ...spec, shape: checkShape(key, spec.shape) };
    return this.#define(key, { shape: spec.shape, dtype: "float32" });
  }

  /** Adds a node and returns its first output. Without a name it gets one from the op. */
  op(op: string, inputs: readonly string[], attrs: Attributes = {}, name?: string): string {
    return this.opOutputs(op, inputs, attrs, name)[0];
  }

  /** Adds a node and returns all its outputs. */
  opOutputs(
    op: string,
    inputs: readonly string[],
    attrs: Attributes = {},
    name?: string,
  ): string[] {
    const node: Node = { name: name ?? this.#fresh(op), op, inputs: [...inputs], attrs };
    const types = this.#infer(node);
    this.#nodes.push(node);
    const outputs = outputNames(node);
    for (const value of outputs) this.#producers.set(value, node);
    return outputs.map((value, i) => this.#define(value, types[i]));
  }

  /** Parameters and buffers so far, by key. */
  get tensors(): { readonly [key: string]: TensorSpec } {
    return this.#tensors;
  }

  /** The node that computes a value; undefined for inputs and tensors. */
  producer(value: string): Node | undefined {
    return this.#producers.get(value);
  }

  /** A scalar constant, broadcast where it is used. */
  constant(value: number, shape: Shape = []): string {
    return this.op("constant", [], { value, shape });
  }

  output(name: string, value: string): void {
    this.type(value);
    this.#outputs[name] = value;
  }

  update(key: string, value: string): void {
    const spec = this.#tensors[key];
    if (!spec)
      throw new OnebitError(`${this.name}: update of "${key}", which is not a tensor here`);
    const { shape } = this.type(value);
    if (shape.join() !== spec.shape.join()) {
      throw new OnebitError(
        `${key}: has shape [${spec.shape}], its update "${value}" has [${shape}]`,
      );
    }
    this.#updates[key] = value;
  }

  has(value: string): boolean {
    return this.#types.has(value);
  }

  type(value: string): ValueType {
    const type = this.#types.get(value);
    if (!type)
      throw new OnebitError(`${this.name}: no value named "${value}" has been defined yet`);
    return type;
  }

  shape(value: string): Shape {
    return this.type(value).shape;
  }

  build(): Graph {
    return {
      name: this.name,
      inputs: this.#inputs,
      tensors: this.#tensors,
      nodes: this.#nodes,
      outputs: this.#outputs,
      updates: this.#updates,
    };
  }

  #infer(node: Node): ValueType[] {
    const op = opNamed(node.op);
    const inputs = node.inputs.map((input) => this.type(input));
    try {
      return op.infer(inputs, node.attrs);
    } catch (error) {
      if (!(error instanceof OnebitError)) throw error;
      const shapes = node.inputs.map((input, i) => `${input} [${inputs[i].shape}]`).join(", ");
      throw new OnebitError(`${node.name} (${node.op} of ${shapes}): ${error.message}`);
    }
  }

  #define(name: string, type: ValueType): string {
    if (this.#types.has(name)) throw new OnebitError(`${this.name}: "${name}" is defined twice`);
    this.#types.set(name, type);
    return name;
  }

  #fresh(op: string): string {
    for (;;) {
      const n = this.#counters.get(op) ?? 0;
      this.#counters.set(op, n + 1);
      const name = `${op}_${n}`;
      if (!this.#types.has(name)) return name;
    }
  }
}

function checkShape(name: string, shape: Shape): Shape {
  const bad = shape.some((dim) => !Number.isSafeInteger(dim) || dim < 1);
  if (bad) throw new OnebitError(`${name}: shape [${shape}] must hold positive whole numbers`);
  return shape;
}
