import type { Mode, Shape, ValueType } from "../graph/types.js";
import { sizeOf } from "../graph/types.js";
import type { OnnxAttribute, OnnxNode, OnnxTensor } from "./model-proto.js";

/** portable: standard ops only. cpu, webgpu: the forms that are fast, or exist, on that provider. */
export type OnnxTarget = "portable" | "cpu" | "webgpu";

/** A whole number becomes an int attribute; use `float(x)` for floats. */
export type AttributeInput = number | string | readonly number[] | OnnxAttribute;

export function float(value: number): OnnxAttribute {
  return { kind: "float", value };
}

/** What an op sees while it lowers one node to ONNX. Shapes are static. */
export class Lowering {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly #shared = new Map<string, string>();
  readonly #known: Map<string, OnnxTensor>;
  #node = "";
  #count = 0;
  /** ONNX names and types of the current node's inputs; types of its outputs. */
  inputs: readonly string[] = [];
  inputTypes: readonly ValueType[] = [];
  outputTypes: readonly ValueType[] = [];

  /** known: values that are constants of the model, by ONNX name. */
  constructor(
    readonly target: OnnxTarget,
    readonly mode: Mode,
    known: ReadonlyMap<string, OnnxTensor> = new Map(),
  ) {
    this.#known = new Map(known);
  }

  enter(
    node: string,
    inputs: readonly string[],
    inputTypes: readonly ValueType[],
    outputTypes: readonly ValueType[],
  ): void {
    this.#node = node;
    this.#count = 0;
    this.inputs = inputs;
    this.inputTypes = inputTypes;
    this.outputTypes = outputTypes;
  }

  shape(i: number): Shape {
    return this.inputTypes[i].shape;
  }

  /** Adds an ONNX node with one output and returns that output's name. */
  emit(
    opType: string,
    inputs: readonly string[],
    attributes: { readonly [name: string]: AttributeInput } = {},
  ): string {
    return this.emitAll(opType, inputs, attributes, 1)[0];
  }

  emitAll(
    opType: string,
    inputs: readonly string[],
    attributes: { readonly [name: string]: AttributeInput },
    outputs: number,
  ): string[] {
    const name = `${this.#node}/${opType}_${this.#count++}`;
    const names = Array.from({ length: outputs }, (_, i) => (i ? `${name}:${i}` : name));
    const entries = Object.entries(attributes).map(([key, value]) => [key, toAttribute(value)]);
    this.nodes.push({
      name,
      opType,
      inputs,
      outputs: names,
      attributes: Object.fromEntries(entries),
    });
    return names;
  }

  /** A float32 initialiser; equal ones are shared. */
  constant(values: number | ArrayLike<number>, shape: Shape = []): string {
    const data =
      typeof values === "number"
        ? new Float32Array(sizeOf(shape)).fill(values)
        : Float32Array.from(values);
    const large = data.length > 4096;
    return this.#initializer(large ? undefined : `f[${shape}]${data.join()}`, shape, data);
  }

  /** A one-dimensional int64 initialiser (axes, shapes, pads). */
  ints(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#initializer(`i${values.join()}`, [values.length], data);
  }

  /** A constant is stored under its new shape, at no cost at run time. */
  reshape(x: string, shape: Shape): string {
    const known = this.#known.get(x);
    if (known?.data.length !== sizeOf(shape)) return this.emit("Reshape", [x, this.ints(shape)]);
    if (known.shape.join() === shape.join()) return x;
    const name = `${x}:${shape.join("x")}`;
    return this.#share(name, () => this.#add({ name, shape, data: known.data }));
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.emit("Transpose", [x], { perm });
  }

  #initializer(key: string | undefined, shape: Shape, data: OnnxTensor["data"]): string {
    const name = `const_${this.initializers.length}`;
    const add = () => this.#add({ name, shape, data });
    return key === undefined ? add() : this.#share(key, add);
  }

  #add(tensor: OnnxTensor): string {
    this.initializers.push(tensor);
    this.#known.set(tensor.name, tensor);
    return tensor.name;
  }

  /** The initialiser made for this key before, or a new one. */
  #share(key: string, add: () => string): string {
    const name = this.#shared.get(key) ?? add();
    this.#shared.set(key, name);
    return name;
  }
}

function toAttribute(value: AttributeInput): OnnxAttribute {
  if (typeof value === "number") return { kind: "int", value: whole(value) };
  if (typeof value === "string") return { kind: "string", value };
  if (Array.isArray(value)) return { kind: "ints", value: value.map(whole) };
  return value as OnnxAttribute;
}

function whole(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new Error(`attribute ${value}: not a whole number; wrap it in float()`);
}
