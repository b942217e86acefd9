import { OnebitError } from "onebit";
import { Flatbuffer, type FlatTable } from "./flatbuffer.js";
import { operatorName } from "./operator-names.js";

/** Types of tensors, by their number in the schema; others have no name here. */
const types = [
  ...["float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16"],
  ...["complex64", "int8", "float64"],
] as const;

/** A tensor of a TensorFlow Lite graph: a value, or a constant where it has data. */
export interface TfliteTensor {
  readonly index: number;
  readonly name: string;
  /** NHWC for images. */
  readonly shape: readonly number[];
  readonly type: string;
  /** A view of the file; undefined for values. */
  readonly data: Uint8Array<ArrayBuffer> | undefined;
  /** Of integers that stand for numbers: real = scale[i] * (q - zero[i]), one for all or along `axis`. */
  readonly quantised?: {
    readonly scale: readonly number[];
    readonly zero: readonly number[];
    readonly axis: number;
  };
}

/** An operator: numbers are indices of tensors, -1 where an optional input is left out. */
export interface TfliteOperator {
  readonly index: number;
  /** As the schema writes it (CONV_2D), or a custom op's own name (LceBconv2d). */
  readonly op: string;
  readonly version: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** The table of a standard op's options. */
  readonly options: FlatTable | undefined;
  /** A custom op's. */
  readonly customOptions: Uint8Array<ArrayBuffer> | undefined;
}

/** The one graph of a TensorFlow Lite file. */
export interface TfliteModel {
  readonly description: string;
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Of the file. */
  readonly byteLength: number;
}

/**
 * Reads a .tflite file of version 3. Field numbers are those of tensorflow/lite/schema/schema.fbs.
 * OnebitError where the file is damaged, or holds more than one graph.
 */
export function readTflite(bytes: Uint8Array<ArrayBuffer>): TfliteModel {
  const model = new Flatbuffer(bytes).root("the model");
  const version = model.number(0, "u32");
  if (version !== 3) {
    throw new OnebitError(`version ${version} of TensorFlow Lite's format; 3 is known`);
  }
  const codes = model.tables(1, "operator code").map(operatorCode);
  const graphs = model.tables(2, "subgraph");
  if (graphs.length !== 1) {
    throw new OnebitError(`${graphs.length} graphs: a network has one, without control flow`);
  }
  const [graph] = graphs;
  const buffers = model.tables(4, "buffer").map((buffer, i) => bufferData(buffer, i));
  const tensors = graph.tables(0, "tensor").map((table, i) => tensor(table, i, buffers));
  const known = (index: number, where: string) => {
    if (index === -1 || tensors[index]) return index;
    throw new OnebitError(
      `${where}: there is no tensor ${index}, there are ${tensors.length}: the file is damaged`,
    );
  };
  const indices = (table: FlatTable, field: number) =>
    (table.list(field, "i32") ?? []).map((index) => known(index, table.what));
  const operators = graph.tables(3, "operator").map((table, index) => {
    const code = codes[table.number(0, "u32")];
    if (!code) throw new OnebitError(`operator ${index}: has no code: the file is damaged`);
    const [inputs, outputs] = [indices(table, 1), indices(table, 2)];
    const customOptions = table.bytes(5);
    return { index, ...code, inputs, outputs, options: table.table(4), customOptions };
  });
  const [inputs, outputs] = [indices(graph, 1), indices(graph, 2)];
  const { byteLength } = bytes;
  return { description: model.text(3) ?? "", tensors, operators, inputs, outputs, byteLength };
}

/** The builtin code was a byte once; where it does not fit, the newer field has it. */
function operatorCode(table: FlatTable): Pick<TfliteOperator, "op" | "version"> {
  const code = Math.max(table.number(0, "i8"), table.number(3, "i32"));
  return { op: table.text(1) ?? operatorName(code), version: table.number(2, "i32", 1) };
}

/** Data of more than 2 GB lie behind the flatbuffer, and no network here comes near it. */
function bufferData(table: FlatTable, index: number): Uint8Array<ArrayBuffer> | undefined {
  if (table.number(1, "i64") > 1) {
    throw new OnebitError(`buffer ${index}: lies outside of the model, as in files of over 2 GB`);
  }
  const data = table.bytes(0);
  return data && data.length > 0 ? data : undefined;
}

function tensor(
  table: FlatTable,
  index: number,
  buffers: readonly (Uint8Array<ArrayBuffer> | undefined)[],
): TfliteTensor {
  const buffer = table.number(2, "u32");
  if (buffer >= buffers.length) {
    throw new OnebitError(
      `tensor ${index}: there is no buffer ${buffer}, there are ${buffers.length}: the file is damaged`,
    );
  }
  const number = table.number(1, "i8");
  return {
    index,
    name: table.text(3) ?? `tensor${index}`,
    shape: table.list(0, "i32") ?? [],
    type: types[number] ?? `type ${number}`,
    data: buffers[buffer],
    quantised: quantisation(table.table(4)),
  };
}

function quantisation(table: FlatTable | undefined): TfliteTensor["quantised"] {
  const scale = table?.list(2, "f32") ?? [];
  if (!table || scale.length === 0) return undefined;
  const zero = table.list(3, "i64") ?? [];
  return { scale, zero: scale.map((_, i) => zero[i] ?? 0), axis: table.number(6, "i32") };
}
