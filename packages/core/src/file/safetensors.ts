import { OnebitError } from "../errors.js";
import {
  headerLength,
  parseHeader,
  type SafetensorsType,
  safetensorsTypes,
} from "./safetensors-header.js";

/** A tensor as stored: little-endian bytes. */
export interface StoredTensor {
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** What a safetensors file holds: tensors and texts, by name. */
export interface Safetensors {
  readonly metadata: { readonly [key: string]: string };
  readonly tensors: { readonly [key: string]: StoredTensor };
}

/** Reads a whole file from memory; data are views of it. Every size and offset is checked. */
export function readSafetensors(file: Uint8Array): Safetensors {
  const length = headerLength(file, file.length);
  const data = file.subarray(8 + length);
  const { metadata, tensors } = parseHeader(file.subarray(8, 8 + length), data.length);
  const entries = [...tensors].map(([key, { dtype, shape, start, end }]) => [
    key,
    { dtype, shape, data: data.subarray(start, end) },
  ]);
  return { metadata, tensors: Object.fromEntries(entries) };
}

/**
 * Writes tensors in the order given. The header is padded with spaces so that the data start at a
 * multiple of `align` bytes.
 */
export function writeSafetensors({ metadata, tensors }: Safetensors, align = 8): Uint8Array {
  let size = 0;
  for (const [key, { dtype, shape, data }] of Object.entries(tensors)) {
    const bytes = byteLength(dtype, shape);
    if (bytes !== data.length || key === "__metadata__") {
      throw new OnebitError(
        `tensor "${key}": [${shape}] of ${dtype} takes ${bytes} bytes, has ${data.length}`,
      );
    }
    size += bytes;
  }
  const head = safetensorsHead({ metadata, tensors }, align);
  const file = new Uint8Array(head.length + size);
  file.set(head);
  let offset = head.length;
  for (const { data } of Object.values(tensors)) {
    file.set(data, offset);
    offset += data.length;
  }
  return file;
}

/** What stands before the data, which follow without gaps in the order of `tensors`. */
export function safetensorsHead(
  {
    metadata,
    tensors,
  }: {
    readonly metadata: Safetensors["metadata"];
    readonly tensors: { readonly [key: string]: Omit<StoredTensor, "data"> };
  },
  align = 8,
): Uint8Array {
  const table: { [key: string]: unknown } = Object.create(null);
  if (Object.keys(metadata).length) table.__metadata__ = metadata;
  let at = 0;
  for (const [key, { dtype, shape }] of Object.entries(tensors)) {
    const end = at + byteLength(dtype, shape);
    table[key] = { dtype, shape, data_offsets: [at, end] };
    at = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(table));
  const padded = Math.ceil((8 + json.length) / align) * align - 8;
  const head = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return head;
}

function byteLength(dtype: SafetensorsType, shape: readonly number[]): number {
  return shape.reduce((n, dim) => n * dim, safetensorsTypes[dtype]);
}

/** A float32 tensor ready for writing; shares the memory of a Float32Array. */
export function storedFloat32(shape: readonly number[], values: ArrayLike<number>): StoredTensor {
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  const data = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  return { dtype: "F32", shape, data };
}

/** The values of an F32 tensor, copied so that they are aligned. */
export function float32Values(key: string, { dtype, data }: StoredTensor): Float32Array {
  if (dtype !== "F32") throw new OnebitError(`tensor "${key}": is ${dtype}, F32 is wanted`);
  return new Float32Array(new Uint8Array(data).buffer);
}
