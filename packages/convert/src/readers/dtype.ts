/** Element types that checkpoints hold, named as PyTorch and NumPy name them. */
export type DType =
  | "float64"
  | "float32"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

export const bytesPerElement: Readonly<Record<DType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

/** float16 and bfloat16 come as float32 (exact), bool as 0 and 1. */
export type TensorValues =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Elements stored as little-endian bytes; no copy where the type and alignment allow it. */
export function decodeElements(bytes: Uint8Array<ArrayBuffer>, dtype: DType): TensorValues {
  const size = bytesPerElement[dtype];
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  const length = aligned.byteLength / size;
  switch (dtype) {
    case "float64":
      return new Float64Array(buffer, byteOffset, length);
    case "float32":
      return new Float32Array(buffer, byteOffset, length);
    case "float16":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, length), halfToFloat);
    case "bfloat16":
      return widenBfloat16(new Uint16Array(buffer, byteOffset, length));
    case "int64":
      return new BigInt64Array(buffer, byteOffset, length);
    case "int32":
      return new Int32Array(buffer, byteOffset, length);
    case "int16":
      return new Int16Array(buffer, byteOffset, length);
    case "int8":
      return new Int8Array(buffer, byteOffset, length);
    case "uint64":
      return new BigUint64Array(buffer, byteOffset, length);
    case "uint32":
      return new Uint32Array(buffer, byteOffset, length);
    case "uint16":
      return new Uint16Array(buffer, byteOffset, length);
    case "uint8":
      return aligned;
    case "bool":
      return aligned.map((byte) => (byte === 0 ? 0 : 1));
    default:
      return dtype satisfies never;
  }
}

/** The nearest float32 of every value. */
export function toFloat32(values: TensorValues): Float32Array<ArrayBuffer> {
  if (values instanceof Float32Array) return values;
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    return Float32Array.from(values as unknown as ArrayLike<bigint>, Number);
  }
  return Float32Array.from(values);
}

/** Reverses the bytes of every element in place: big-endian files on little-endian machines. */
export function swapByteOrder(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.length; start += size) {
    bytes.subarray(start, start + size).reverse();
  }
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(upper: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(upper.length);
  for (let i = 0; i < upper.length; i++) words[i] = upper[i] << 16;
  return new Float32Array(words.buffer);
}
