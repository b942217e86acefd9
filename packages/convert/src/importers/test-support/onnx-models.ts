import { ProtobufWriter } from "../../../../core/src/onnx/protobuf.js";

/** Test only: a node; attributes are whole numbers, lists of them, texts or floats ("0.5f"). */
export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  /** Also the node's name. */
  readonly out: string;
  readonly domain?: string;
  readonly attrs?: { readonly [name: string]: number | string | readonly number[] };
}

/** Test only: constants by name, each a shape and numbers; whole-number ones are int64. */
export type TestConstants = {
  readonly [name: string]: readonly [
    shape: readonly number[],
    data: ArrayLike<number>,
    type?: "int64",
  ];
};

/** Test only: the bytes of an ONNX file with the input "x" and the output "y". */
export function onnxModel(
  shape: readonly (number | string)[],
  nodes: readonly TestNode[],
  constants: TestConstants = {},
  outputs: readonly string[] = ["y"],
): Uint8Array<ArrayBuffer> {
  const graph = new ProtobufWriter();
  for (const node of nodes) graph.message(1, nodeProto(node));
  graph.string(2, "test");
  for (const [name, constant] of Object.entries(constants))
    graph.message(5, tensorProto(name, constant));
  graph.message(11, valueProto("x", shape));
  for (const output of outputs) graph.message(12, valueProto(output, []));
  const model = new ProtobufWriter().varint(1, 8).string(2, "test").message(7, graph);
  model.message(8, new ProtobufWriter().string(1, "").varint(2, 13));
  return new Uint8Array(model.finish());
}

function nodeProto({ op, inputs, out, domain, attrs = {} }: TestNode): ProtobufWriter {
  const node = new ProtobufWriter();
  for (const input of inputs) node.string(1, input);
  node.string(2, out).string(3, out).string(4, op);
  for (const [name, value] of Object.entries(attrs)) node.message(5, attributeProto(name, value));
  return domain ? node.string(7, domain) : node;
}

function attributeProto(name: string, value: number | string | readonly number[]): ProtobufWriter {
  const proto = new ProtobufWriter().string(1, name);
  if (typeof value === "number") return proto.varint(3, value).varint(20, 2);
  if (typeof value !== "string") {
    for (const one of value) proto.varint(8, one);
    return proto.varint(20, 7);
  }
  const float = /^(-?[\d.]+)f$/.exec(value);
  if (float) return proto.float(2, Number(float[1])).varint(20, 1);
  return proto.string(4, value).varint(20, 3);
}

function tensorProto(name: string, [shape, data, type]: TestConstants[string]): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const dim of shape) proto.varint(1, dim);
  const bytes = type
    ? new Uint8Array(BigInt64Array.from(Array.from(data), (x) => BigInt(x)).buffer)
    : new Uint8Array(Float32Array.from(data).buffer);
  return proto
    .varint(2, type ? 7 : 1)
    .string(8, name)
    .bytes(9, bytes);
}

function valueProto(name: string, shape: readonly (number | string)[]): ProtobufWriter {
  const dims = new ProtobufWriter();
  for (const dim of shape) {
    const proto = new ProtobufWriter();
    dims.message(1, typeof dim === "number" ? proto.varint(1, dim) : proto.string(2, dim));
  }
  const type = new ProtobufWriter().message(1, new ProtobufWriter().varint(1, 1).message(2, dims));
  return new ProtobufWriter().string(1, name).message(2, type);
}
