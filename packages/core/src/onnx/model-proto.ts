import { OnebitError } from "../errors.js";
import { ProtobufWriter } from "./protobuf.js";

/** Field numbers are those of onnx.proto3 (IR version 8). */

export type OnnxAttribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string };

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: { readonly [name: string]: OnnxAttribute };
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** float32, int64, int32, int8, and bytes: bool as 0 and 1, unless `type` says uint8. */
  readonly data: Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;
  readonly type?: "uint8";
}

export interface OnnxValue {
  readonly name: string;
  /** A text is a symbolic dimension. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: { readonly [key: string]: string };
}

const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;
const INT32 = 6;
const INT64 = 7;
const BOOL = 9;

/** What protobuf allows a message to hold. */
const MAX_BYTES = 2 ** 31 - 1;

/** The bytes of an .onnx file. OnebitError where it would be larger than the format allows. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const proto = new ProtobufWriter().varint(1, 8).string(2, "onebit");
  proto.message(7, graphProto(model));
  proto.message(8, new ProtobufWriter().string(1, "").varint(2, model.opset));
  for (const [key, value] of Object.entries(model.metadata)) {
    proto.message(14, new ProtobufWriter().string(1, key).string(2, value));
  }
  if (proto.length <= MAX_BYTES) return proto.finish();
  throw new OnebitError(
    `${model.name}: ${proto.length} bytes, an ONNX file holds at most ${MAX_BYTES}; export it without weights`,
  );
}

function graphProto(model: OnnxModel): ProtobufWriter {
  const graph = new ProtobufWriter();
  for (const node of model.nodes) graph.message(1, nodeProto(node));
  graph.string(2, model.name);
  for (const tensor of model.initializers) graph.message(5, tensorProto(tensor));
  for (const value of model.inputs) graph.message(11, valueProto(value));
  for (const value of model.outputs) graph.message(12, valueProto(value));
  return graph;
}

function nodeProto(node: OnnxNode): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const input of node.inputs) proto.string(1, input);
  for (const output of node.outputs) proto.string(2, output);
  proto.string(3, node.name).string(4, node.opType);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    proto.message(5, attributeProto(name, attribute));
  }
  return proto;
}

function attributeProto(name: string, attribute: OnnxAttribute): ProtobufWriter {
  const proto = new ProtobufWriter().string(1, name);
  switch (attribute.kind) {
    case "float":
      return proto.float(2, attribute.value).varint(20, 1);
    case "int":
      return proto.varint(3, attribute.value).varint(20, 2);
    case "string":
      return proto.string(4, attribute.value).varint(20, 3);
    case "ints":
      for (const value of attribute.value) proto.varint(8, value);
      return proto.varint(20, 7);
    default:
      return attribute satisfies never;
  }
}

function tensorProto({ name, shape, data, type }: OnnxTensor): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const dim of shape) proto.varint(1, dim);
  proto.varint(2, type === "uint8" ? UINT8 : typeOf(data)).string(8, name);
  return proto.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function typeOf(data: OnnxTensor["data"]): number {
  if (data instanceof Float32Array) return FLOAT;
  if (data instanceof Int32Array) return INT32;
  if (data instanceof Int8Array) return INT8;
  return data instanceof BigInt64Array ? INT64 : BOOL;
}

function valueProto({ name, shape }: OnnxValue): ProtobufWriter {
  const dims = new ProtobufWriter();
  for (const dim of shape) {
    const proto = new ProtobufWriter();
    dims.message(1, typeof dim === "number" ? proto.varint(1, dim) : proto.string(2, dim));
  }
  const tensorType = new ProtobufWriter().varint(1, FLOAT).message(2, dims);
  const type = new ProtobufWriter().message(1, tensorType);
  return new ProtobufWriter().string(1, name).message(2, type);
}
