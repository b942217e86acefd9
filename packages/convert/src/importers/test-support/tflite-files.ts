import { type FlatField, flatbuffer, flexMap } from "./flat-writer.js";

/** Test only: a constant tensor of a .tflite file. */
export interface TestConstant {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Int8Array;
}

/** Test only: an operator; inputs are names of constants or of values, "" where one is left out. */
export interface TestOperator {
  /** Number of a standard operator, or a custom one's name. */
  readonly op: number | string;
  readonly version?: number;
  readonly inputs: readonly string[];
  /** Name and shape of what it makes, NHWC; type: float32 unless said. */
  readonly out: readonly [name: string, shape: readonly number[], type?: "int32" | "int8"];
  readonly options?: readonly FlatField[];
  readonly custom?: { readonly [name: string]: number };
}

/** Test only: what a file has that no converter would write. */
export interface TfliteFileOptions {
  readonly input?: readonly number[];
  readonly inputType?: keyof typeof types;
  readonly version?: number;
  readonly graphs?: number;
}

const types = { float32: 0, int32: 2, int8: 9 } as const;
const CUSTOM = 32;

/** Test only: the bytes of a .tflite file of one graph, from "x" to what the last operator makes. */
export function tfliteFile(
  operators: readonly TestOperator[],
  constants: { readonly [name: string]: TestConstant },
  { input = [1, 5, 5, 3], inputType = "float32", version = 3, graphs = 1 }: TfliteFileOptions = {},
): Uint8Array<ArrayBuffer> {
  const names = ["x", ...Object.keys(constants), ...operators.map(({ out }) => out[0])];
  const index = (name: string) => (name === "" ? -1 : names.indexOf(name));
  const buffers: (readonly FlatField[])[] = [[]];
  const tensor = (name: string, shape: readonly number[], type: keyof typeof types, buffer = 0) => [
    ...[{ ints: shape }, { i8: types[type] }, { i32: buffer }, { text: name }],
    ...(type === "int8"
      ? [{ table: [undefined, undefined, { floats: [0.05] }, { longs: [3] }] }]
      : []),
  ];
  const stored = Object.entries(constants).map(([name, { shape, data }]) => {
    buffers.push([{ bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }]);
    const type = typeOf(data);
    return tensor(name, shape, type, buffers.length - 1);
  });
  const made = operators.map(({ out: [name, shape, type] }) =>
    tensor(name, shape, type ?? "float32"),
  );
  const codes = operators.map(({ op, version: own = 1 }): readonly FlatField[] =>
    typeof op === "number"
      ? [{ i8: op }, undefined, { i32: own }, { i32: op }]
      : [{ i8: CUSTOM }, { text: op }, { i32: own }, { i32: CUSTOM }],
  );
  const nodes = operators.map(({ inputs, out, options, custom }, i): readonly FlatField[] => [
    { i32: i },
    { ints: inputs.map(index) },
    { ints: [index(out[0])] },
    options && { i8: 1 },
    options && { table: options },
    custom && { bytes: flexMap(custom) },
  ]);
  const graph: readonly FlatField[] = [
    { tables: [tensor("x", input, inputType), ...stored, ...made] },
    { ints: [0] },
    { ints: [names.length - 1] },
    { tables: nodes },
  ];
  return flatbuffer([
    { i32: version },
    { tables: codes },
    { tables: Array.from({ length: graphs }, () => graph) },
    { text: "written by a test" },
    { tables: buffers },
  ]);
}

function typeOf(data: TestConstant["data"]): keyof typeof types {
  if (data instanceof Float32Array) return "float32";
  return data instanceof Int8Array ? "int8" : "int32";
}
