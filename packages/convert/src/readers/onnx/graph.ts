import { OnebitError } from "onebit";
import { fields, textOf } from "../../onnx/protobuf.js";
import type { DType } from "../dtype.js";
import { elementCount } from "../strided.js";
import { printable } from "../text.js";

/** A constant of an ONNX file. */
export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Little-endian. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What an attribute of a node can be. */
export type OnnxAttribute = number | string | readonly number[] | OnnxConstant | undefined;

/** A node of an ONNX graph. */
export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  /** "" for the standard operators. */
  readonly domain: string;
  /** "" where an optional input is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** The graph of an ONNX file, with its constants. */
export interface OnnxGraph {
  readonly name: string;
  readonly opset: number;
  /** Those that a caller must feed; undefined and null are sizes that are left open. */
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly (number | undefined)[];
  }[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxConstant>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Numbers of element types in onnx.proto3. */
const types: { readonly [number: number]: DType } = {
  ...{
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
  },
  ...{ 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16" },
};

/** Field numbers are those of onnx.proto3. */
export function readOnnxGraph(bytes: Uint8Array<ArrayBuffer>): OnnxGraph {
  const metadata = new Map<string, string>();
  let opset = 0;
  let graph: Omit<OnnxGraph, "opset" | "metadata"> | undefined;
  for (const field of fields(bytes)) {
    if (field.number === 7) graph = graphOf(field.bytes);
    else if (field.number === 8) opset = Math.max(opset, opsetOf(field.bytes));
    else if (field.number === 14) metadata.set(...pairOf(field.bytes));
    else if (field.number === 25) throw new OnebitError("the model calls functions of its own");
  }
  if (!graph) throw new OnebitError("not an ONNX model: it holds no graph");
  return { ...graph, opset, metadata };
}

function graphOf(bytes: Uint8Array) {
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, OnnxConstant>();
  const inputs: OnnxGraph["inputs"][number][] = [];
  const outputs: string[] = [];
  let name = "";
  for (const field of fields(bytes)) {
    if (field.number === 1) nodes.push(nodeOf(field.bytes));
    else if (field.number === 2) name = textOf(field.bytes);
    else if (field.number === 5) {
      const constant = constantOf(field.bytes);
      constants.set(constant.name, constant);
    } else if (field.number === 11) inputs.push(valueInfo(field.bytes));
    else if (field.number === 12) outputs.push(valueInfo(field.bytes).name);
    else if (field.number === 15)
      throw new OnebitError("its constants are sparse, which is not read");
  }
  return {
    name,
    nodes,
    constants,
    inputs: inputs.filter((one) => !constants.has(one.name)),
    outputs,
  };
}

function nodeOf(bytes: Uint8Array): OnnxNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const attributes = new Map<string, OnnxAttribute>();
  let [name, op, domain] = ["", "", ""];
  for (const field of fields(bytes)) {
    if (field.number === 1) inputs.push(textOf(field.bytes));
    else if (field.number === 2) outputs.push(textOf(field.bytes));
    else if (field.number === 3) name = textOf(field.bytes);
    else if (field.number === 4) op = textOf(field.bytes);
    else if (field.number === 5) attributes.set(...attributeOf(field.bytes));
    else if (field.number === 7) domain = textOf(field.bytes);
  }
  return { name, op, domain: domain === "ai.onnx" ? "" : domain, inputs, outputs, attributes };
}

/** One of f, i, s, t, floats, ints; graphs and others stay undefined, so that asking for them says so. */
function attributeOf(bytes: Uint8Array): [name: string, value: OnnxAttribute] {
  let name = "";
  let [kind, float, integer, text] = [0, 0, 0, ""];
  let tensor: OnnxConstant | undefined;
  const numbers: number[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) name = textOf(field.bytes);
    else if (field.number === 2) float = field.value;
    else if (field.number === 3) integer = field.value;
    else if (field.number === 4) text = textOf(field.bytes);
    else if (field.number === 5) tensor = constantOf(field.bytes);
    else if (field.number === 7) numbers.push(...floatsOf(field));
    else if (field.number === 8) numbers.push(...integersOf(field));
    else if (field.number === 20) kind = field.value;
  }
  const values: { readonly [kind: number]: OnnxAttribute } = {
    ...{ 1: float, 2: integer, 3: text, 4: tensor, 6: numbers, 7: numbers },
  };
  return [name, values[kind]];
}

function constantOf(message: Uint8Array): OnnxConstant {
  const [shape, values]: [number[], number[]] = [[], []];
  let [name, type] = ["", 0];
  let raw: Uint8Array | undefined;
  for (const field of fields(message)) {
    if (field.number === 1) shape.push(...integersOf(field));
    else if (field.number === 2) type = field.value;
    else if (field.number === 4) values.push(...floatsOf(field));
    else if (field.number === 5 || field.number === 7 || field.number === 11)
      values.push(...integersOf(field));
    else if (field.number === 8) name = textOf(field.bytes);
    else if (field.number === 9) raw = field.bytes;
    else if (field.number === 10) values.push(...doublesOf(field));
    else if (field.number === 13 || (field.number === 14 && field.value === 1)) {
      throw new OnebitError(
        "weights lie in another file (external data), which is not followed: write the model into one file, in PyTorch by torch.onnx.export(..., external_data=False)",
      );
    }
  }
  const dtype = types[type];
  const where = `the constant ${printable(name)}`;
  if (!dtype) throw new OnebitError(`${where}: has the element type ${type}, which is not read`);
  const bytes = raw ? raw.slice() : encoded(values, dtype);
  const count = elementCount(shape, where);
  if (bytes.byteLength === count * sizeOf[dtype]) return { name, shape, dtype, bytes };
  throw new OnebitError(
    `${where}: [${shape}] of ${dtype} are ${count * sizeOf[dtype]} bytes, the file has ${bytes.byteLength}`,
  );
}

const arrays = {
  ...{ float32: Float32Array, float64: Float64Array, int8: Int8Array, uint8: Uint8Array },
  ...{ int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array },
  ...{ bool: Uint8Array, float16: Uint16Array, bfloat16: Uint16Array },
} as const;

const sizeOf: { readonly [type in DType]: number } = {
  ...{ float32: 4, float64: 8, int8: 1, uint8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4 },
  ...{ bool: 1, float16: 2, bfloat16: 2, int64: 8, uint64: 8 },
};

/** Numbers that do not stand as raw bytes: half floats by their bits. */
function encoded(values: readonly number[], dtype: DType): Uint8Array<ArrayBuffer> {
  if (dtype === "int64" || dtype === "uint64") {
    return new Uint8Array(BigInt64Array.from(values, (x) => BigInt(x)).buffer);
  }
  return new Uint8Array(arrays[dtype].from(values).buffer);
}

interface Repeated {
  readonly value: number;
  readonly bytes: Uint8Array;
}

/** Packed into one field or not; negative ones have ten bytes. */
function integersOf({ value, bytes }: Repeated): number[] {
  if (bytes.length === 0) return [value];
  const list: number[] = [];
  // As the fields of a message whose tags are left out: each with one put before it.
  for (let at = 0; at < bytes.length; ) {
    let end = at;
    while (end < bytes.length && bytes[end] >= 0x80) end++;
    const tagged = Uint8Array.of(8, ...bytes.subarray(at, end + 1));
    for (const field of fields(tagged)) list.push(field.value);
    at = end + 1;
  }
  return list;
}

function floatsOf({ value, bytes }: Repeated): number[] {
  return bytes.length === 0 ? [value] : unpacked(bytes, 4, (view, at) => view.getFloat32(at, true));
}

function doublesOf({ value, bytes }: Repeated): number[] {
  return bytes.length === 0 ? [value] : unpacked(bytes, 8, (view, at) => view.getFloat64(at, true));
}

function unpacked(
  bytes: Uint8Array,
  size: number,
  read: (view: DataView, at: number) => number,
): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => read(view, i * size));
}

function valueInfo(bytes: Uint8Array): OnnxGraph["inputs"][number] {
  let name = "";
  const shape: (number | undefined)[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) name = textOf(field.bytes);
    else if (field.number === 2) shape.push(...shapeOf(field.bytes));
  }
  return { name, shape };
}

/** TypeProto: tensor type 1, its shape 2, each dim 1 with a value 1 or a name 2. */
function shapeOf(type: Uint8Array): (number | undefined)[] {
  const within = (bytes: Uint8Array, number: number) =>
    [...fields(bytes)].filter((field) => field.number === number);
  const dims = within(type, 1).flatMap((tensor) =>
    within(tensor.bytes, 2).flatMap((shape) => within(shape.bytes, 1)),
  );
  return dims.map(({ bytes }) => {
    const [size] = within(bytes, 1);
    return size && size.value > 0 && size.value < 2 ** 31 ? size.value : undefined;
  });
}

function opsetOf(bytes: Uint8Array): number {
  let [domain, version] = ["", 0];
  for (const field of fields(bytes)) {
    if (field.number === 1) domain = textOf(field.bytes);
    else if (field.number === 2) version = field.value;
  }
  return domain === "" || domain === "ai.onnx" ? version : 0;
}

function pairOf(bytes: Uint8Array): [key: string, value: string] {
  let [key, value] = ["", ""];
  for (const field of fields(bytes)) {
    if (field.number === 1) key = textOf(field.bytes);
    else if (field.number === 2) value = textOf(field.bytes);
  }
  return [key, value];
}
