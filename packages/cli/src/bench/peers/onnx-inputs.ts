import type {
  OnnxElementType,
  OnnxRuntime,
  OnnxRuntimeSession,
  OnnxTensors,
} from "@onebit/convert";
import { OnebitError } from "onebit";

/** What an ONNX model says of one of its inputs; open dimensions are names. */
export interface OnnxInput {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

/** Tensors for every input of a session, as feedsFor makes them. */
export function feedTensors(
  { Tensor }: OnnxRuntime,
  model: string,
  { inputMetadata }: OnnxRuntimeSession,
  batch: number,
): OnnxTensors {
  const inputs = inputMetadata.map((input): OnnxInput => {
    return input.isTensor ? input : { name: input.name, type: "a sequence or map", shape: [] };
  });
  const feeds = Object.entries(feedsFor(model, inputs, batch));
  return Object.fromEntries(
    feeds.map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
  );
}

export interface FeedTensor {
  readonly type: OnnxElementType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | BigInt64Array;

/**
 * Input for a model, from its own metadata: noise around 0 for floats, which like every value is
 * the same in each run; 0 for whole numbers, which are valid indices, 8-bit pixels excepted.
 *
 * An open first dimension is the batch. OnebitError where another one is open, where the batch is
 * fixed to another number, and for types that hold no numbers.
 */
export function feedsFor(
  model: string,
  inputs: readonly OnnxInput[],
  batch: number,
): { [input: string]: FeedTensor } {
  return Object.fromEntries(inputs.map((input) => [input.name, feed(model, input, batch)]));
}

function feed(model: string, { name, type, shape }: OnnxInput, batch: number): FeedTensor {
  const dims = shape.map((dim, axis) => {
    if (typeof dim === "number" && dim >= 0) return dim;
    if (axis === 0) return batch;
    throw new OnebitError(
      `${model}: input "${name}" has shape [${shape.join(", ")}]: only the batch may be open; export the model for a fixed size`,
    );
  });
  if (batch !== 1 && dims.length > 1 && dims[0] !== batch) {
    throw new OnebitError(
      `${model}: input "${name}" has shape [${shape.join(", ")}]: --batch ${batch} does not fit; leave it out or export the model with an open batch`,
    );
  }
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (!Object.hasOwn(values, type)) {
    const known = Object.keys(values).join(", ");
    throw new OnebitError(`${model}: input "${name}" is of type ${type}: bench can make ${known}`);
  }
  const known = type as keyof typeof values;
  return { type: known, dims, data: values[known](size) };
}

const noise = (_: unknown, i: number) => Math.sin(12.9898 * (i + 1));
const pixel = (_: unknown, i: number) => (i * 7919) % 256;

const values = {
  float32: (length) => Float32Array.from({ length }, noise),
  float64: (length) => Float64Array.from({ length }, noise),
  // Bits of a half: sign, exponent 14, fraction; magnitudes of 0.5 to 1.
  float16: (length) =>
    Uint16Array.from({ length }, (_, i) => ((i & 1) << 15) | (14 << 10) | ((i * 7919) & 0x3ff)),
  uint8: (length) => Uint8Array.from({ length }, pixel),
  int8: (length) => Int8Array.from({ length }, (_, i) => pixel(_, i) - 128),
  uint16: (length) => new Uint16Array(length),
  int16: (length) => new Int16Array(length),
  int32: (length) => new Int32Array(length),
  int64: (length) => new BigInt64Array(length),
  bool: (length) => new Uint8Array(length),
} satisfies { readonly [type in OnnxElementType]?: (length: number) => TypedArray };
