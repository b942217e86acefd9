/** Test only: what an ONNX file holds, read from its protobuf bytes. Trusts them. */
export interface OnnxContent {
  readonly opset: number;
  readonly nodes: readonly {
    readonly name: string;
    readonly opType: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
  readonly initializers: ReadonlyMap<string, OnnxInitializer>;
  /** Shapes; symbolic dimensions as text. */
  readonly inputs: { readonly [name: string]: readonly (number | string)[] };
  readonly outputs: { readonly [name: string]: readonly (number | string)[] };
  readonly metadata: { readonly [key: string]: string };
}

export interface OnnxInitializer {
  readonly shape: readonly number[];
  /** float32 elements; empty for other types. */
  readonly floats: Float32Array;
}

type Fields = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>;

export function readOnnx(bytes: Uint8Array): OnnxContent {
  const model = fieldsOf(bytes);
  const graph = fieldsOf(message(model, 7));
  return {
    opset: integer(fieldsOf(message(model, 8)), 2),
    nodes: messages(graph, 1).map((node) => ({
      name: text(node, 3),
      opType: text(node, 4),
      inputs: texts(node, 1),
      outputs: texts(node, 2),
    })),
    initializers: new Map(
      messages(graph, 5).map((tensor) => [text(tensor, 8), initializer(tensor)]),
    ),
    inputs: Object.fromEntries(messages(graph, 11).map(valueShape)),
    outputs: Object.fromEntries(messages(graph, 12).map(valueShape)),
    metadata: Object.fromEntries(
      messages(model, 14).map((entry) => [text(entry, 1), text(entry, 2)]),
    ),
  };
}

function initializer(tensor: Fields): OnnxInitializer {
  const shape = (tensor.get(1) ?? []).map(Number);
  const isFloat = integer(tensor, 2) === 1;
  const raw = isFloat ? message(tensor, 9) : new Uint8Array();
  return { shape, floats: new Float32Array(raw.slice().buffer) };
}

function valueShape(value: Fields): [string, (number | string)[]] {
  const tensorType = fieldsOf(message(fieldsOf(message(value, 2)), 1));
  const dims = messages(fieldsOf(message(tensorType, 2)), 1);
  return [text(value, 1), dims.map((dim) => (dim.has(2) ? text(dim, 2) : integer(dim, 1)))];
}

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (bigint | Uint8Array)[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    const value = wireType === 0 ? varint() : take(wireType === 5 ? 4 : Number(varint()));
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const message = (fields: Fields, field: number) => fields.get(field)![0] as Uint8Array;
const messages = (fields: Fields, field: number) =>
  (fields.get(field) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));
const integer = (fields: Fields, field: number) => Number(fields.get(field)![0]);
const texts = (fields: Fields, field: number) =>
  (fields.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
const text = (fields: Fields, field: number) => texts(fields, field)[0] ?? "";
