import { type FloatTensor, OnebitError, UsageError } from "onebit";
import { toFloat16 } from "onebit/file";

/** Element types of images, named as ONNX Runtime names them. */
export type OnnxImageType = "float32" | "float16" | "float64" | "uint8";

/** What a session is fed: halves as their 16 bits. */
export interface OnnxFeed {
  readonly type: OnnxImageType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint16Array | Float64Array | Uint8Array;
}

/** By ONNX's number of the element type. */
const IMAGE_TYPES: { readonly [type: number]: OnnxImageType } = {
  1: "float32",
  2: "uint8",
  10: "float16",
  11: "float64",
};

const NAMES =
  "float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 complex64 complex128 bfloat16".split(
    " ",
  );

export function onnxTypeName(type: number): string {
  return NAMES[type - 1] ?? (type === 0 ? "no tensor" : `of type ${type}`);
}

export function imageType(input: string, type: number): OnnxImageType {
  if (Object.hasOwn(IMAGE_TYPES, type)) return IMAGE_TYPES[type];
  throw new OnebitError(
    `input "${input}" is ${onnxTypeName(type)}: images are float32, float16, float64 or uint8; export the network with one of these`,
  );
}

/** uint8 takes pixels: whole numbers of 0 to 255, UsageError for others. */
export function feedOf(input: string, type: OnnxImageType, { shape, data }: FloatTensor): OnnxFeed {
  switch (type) {
    case "float32":
      return { type, shape, data };
    case "float64":
      return { type, shape, data: Float64Array.from(data) };
    case "float16":
      return { type, shape, data: Uint16Array.from(data, toFloat16) };
    case "uint8":
      return { type, shape, data: pixels(input, data) };
    default:
      return type satisfies never;
  }
}

function pixels(input: string, data: Float32Array): Uint8Array {
  const whole = data.map(Math.round);
  // Preparation divides by 255 and multiplies again.
  const wrong = data.findIndex(
    (x, i) => !(Math.abs(x - whole[i]) < 1e-3 && whole[i] >= 0 && whole[i] < 256),
  );
  if (wrong < 0) return Uint8Array.from(whole);
  throw new UsageError(
    `input "${input}" takes pixels, whole numbers of 0 to 255 (uint8), not ${data[wrong]}: give pictures, or pixels that are not normalised`,
  );
}
