import { ProtobufWriter } from "../../../core/src/onnx/protobuf.js";

type Dimension = number | string;

/** An input or output; types are numbered as ONNX does: 1 float32, 2 uint8, 7 int64, 10 float16, 11 float64. */
export interface TestValue {
  readonly name: string;
  readonly shape: readonly Dimension[];
  readonly type?: number;
}

export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints?: { readonly [name: string]: number | readonly number[] };
}

export interface TestModel {
  readonly inputs: readonly TestValue[];
  readonly outputs: readonly TestValue[];
  readonly nodes: readonly TestNode[];
  /** float32 from numbers, int64 from bigints. */
  readonly tensors?: {
    readonly [name: string]: {
      readonly shape: readonly number[];
      readonly data: readonly number[] | readonly bigint[];
      /** Where the values lie instead, from its first byte on. */
      readonly file?: string;
    };
  };
  readonly opset?: number;
}

/** An .onnx file as other exporters write them, from any operators. */
export function onnxBytes({ inputs, outputs, nodes, tensors = {}, opset = 17 }: TestModel) {
  const graph = new ProtobufWriter();
  for (const node of nodes) graph.message(1, nodeProto(node));
  graph.string(2, "test");
  for (const [name, { shape, data, file }] of Object.entries(tensors)) {
    const isWhole = typeof data[0] === "bigint";
    const values = isWhole
      ? BigInt64Array.from(data as readonly bigint[])
      : Float32Array.from(data as readonly number[]);
    const tensor = new ProtobufWriter();
    for (const dim of shape) tensor.varint(1, dim);
    tensor.varint(2, isWhole ? 7 : 1).string(8, name);
    if (file) {
      const location = new ProtobufWriter().string(1, "location").string(2, file);
      graph.message(5, tensor.message(13, location).varint(14, 1));
    } else graph.message(5, tensor.bytes(9, new Uint8Array(values.buffer)));
  }
  for (const value of inputs) graph.message(11, valueProto(value));
  for (const value of outputs) graph.message(12, valueProto(value));
  return new ProtobufWriter()
    .varint(1, 8)
    .string(2, "elsewhere")
    .message(7, graph)
    .message(8, new ProtobufWriter().string(1, "").varint(2, opset))
    .finish();
}

function nodeProto({ op, inputs, outputs, ints = {} }: TestNode): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const input of inputs) proto.string(1, input);
  for (const output of outputs) proto.string(2, output);
  proto.string(4, op);
  for (const [name, value] of Object.entries(ints)) {
    const attribute = new ProtobufWriter().string(1, name);
    if (typeof value === "number") attribute.varint(3, value).varint(20, 2);
    else {
      for (const x of value) attribute.varint(8, x);
      attribute.varint(20, 7);
    }
    proto.message(5, attribute);
  }
  return proto;
}

function valueProto({ name, shape, type = 1 }: TestValue): ProtobufWriter {
  const dims = new ProtobufWriter();
  for (const dim of shape) {
    const proto = new ProtobufWriter();
    dims.message(1, typeof dim === "number" ? proto.varint(1, dim) : proto.string(2, dim));
  }
  const tensor = new ProtobufWriter().varint(1, type).message(2, dims);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}

/** Rows are classes: logit k of an image is row k times the means of red, green and blue. */
export const CHANNEL_WEIGHTS = [
  [4, -1, 0.5],
  [-1, 3, 0],
  [0.25, 0, 2],
  [1, 1, -2],
];

const node = (op: string, inputs: string, outputs: string, ints?: TestNode["ints"]): TestNode => ({
  ...{ op, inputs: inputs.split(" "), outputs: outputs.split(" "), ints },
});

/**
 * A classifier of 4 classes by the mean colour: image -> logits [N, 4], then `tail` from "logits" to
 * "y". The image is float32 [N, 3, H, W] unless said otherwise.
 */
export function colourClassifier({
  tail = ["Identity logits y"],
  output = { name: "y", shape: ["N", 4] },
  image = { name: "image", shape: ["N", 3, 8, 8] },
  ints = {},
  ...rest
}: {
  /** "Op inputs... output"; several words before the last are inputs. */
  readonly tail?: readonly string[];
  readonly output?: TestValue;
  readonly image?: TestValue;
  /** Attributes of the tail's operators, by operator. */
  readonly ints?: { readonly [op: string]: TestNode["ints"] };
  readonly outputs?: readonly TestValue[];
  readonly tensors?: TestModel["tensors"];
  readonly opset?: number;
} = {}): Uint8Array {
  const isLast = image.shape[3] === 3;
  const nodes = [
    node("Cast", image.name, "cast", { to: 1 }),
    isLast
      ? node("Transpose", "cast", "planes", { perm: [0, 3, 1, 2] })
      : node("Identity", "cast", "planes"),
    node("GlobalAveragePool", "planes", "pooled"),
    node("Flatten", "pooled", "means"),
    node("MatMul", "means weights", "logits"),
    ...tail.map((line) => {
      const [op, ...names] = line.split(" ");
      return node(op, names.slice(0, -1).join(" "), names.at(-1)!, ints[op]);
    }),
  ];
  const channels = image.shape[1] === 1 ? [0] : [0, 1, 2];
  const data = channels.flatMap((channel) => CHANNEL_WEIGHTS.map((row) => row[channel]));
  return onnxBytes({
    ...{ inputs: [image], outputs: rest.outputs ?? [output], nodes, opset: rest.opset },
    tensors: { weights: { shape: [channels.length, 4], data }, ...rest.tensors },
  });
}

/** Probabilities of the classes for a picture of one colour, each channel 0 to 255, over 255. */
export function colourProbabilities(colour: readonly number[]): number[] {
  const powers = CHANNEL_WEIGHTS.map((row) =>
    Math.exp(row.reduce((sum, w, c) => sum + (w * colour[c]) / 255, 0)),
  );
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((x) => x / total);
}
