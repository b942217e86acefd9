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
  readonly #constants = new Map<string, string>();
  #node = "";
  #count = 0;
  /** ONNX names and types of the current node's inputs; types of its outputs. */
  inputs: readonly string[] = [];
  inputTypes: readonly ValueType[] = [];
  outputTypes: readonly ValueType[] = [];

  constructor(
    readonly target: OnnxTarget,
    readonly mode: Mode,
  ) {}

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

  reshape(x: string, shape: Shape): string {
    return this.emit("Reshape", [x, this.ints(shape)]);
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.emit("Transpose", [x], { perm });
  }

  #initializer(key: string | undefined, shape: Shape, data: Float32Array | BigInt64Array): string {
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known) return known;
    const name = `const_${this.initializers.length}`;
    this.initializers.push({ name, shape, data });
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }
}

function toAttribute(value: AttributeInput): OnnxAttribute {
  if (typeof value === "number") return { kind: "int", value };
  if (typeof value === "string") return { kind: "string", value };
  if (Array.isArray(value)) return { kind: "ints", value };
  return value as OnnxAttribute;
}
