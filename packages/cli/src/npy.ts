import { type DType, fileBuffer, openCheckpoint } from "@onebit/convert";
import { type FloatTensor, OnebitError } from "onebit";
import { fileKind, KIND_BYTES, wrongFile } from "onebit/file";
import { writeOutput } from "./output-file.js";

/** An array as float32, and what its elements were. */
export interface NpyArray extends FloatTensor {
  readonly dtype: DType;
}

/** The one array of a NumPy file. */
export async function readNpy(path: string): Promise<NpyArray> {
  const buffer = await fileBuffer(path);
  try {
    const start = await buffer.slice(0, KIND_BYTES);
    const wrong = wrongFile(start, { name: path, wanted: "array" });
    if (wrong) throw wrong;
    if (fileKind(start) !== "npy") throw new OnebitError(`${path}: is no NumPy array (.npy)`);
    const { tensors } = await openCheckpoint(buffer);
    const [{ shape, dtype, floats }] = [...tensors.values()];
    return { shape, dtype, data: await floats() };
  } finally {
    await buffer.close();
  }
}

/** Writes float32 in NumPy's format 1.0, C order. */
export async function writeNpy(path: string, { shape, data }: FloatTensor): Promise<void> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  const padded = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const header = new Uint8Array(10 + padded).fill(0x20);
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded & 255, padded >> 8]);
  header.set(new TextEncoder().encode(dictionary), 10);
  header[header.length - 1] = 0x0a;
  const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  await writeOutput(path, Buffer.concat([header, values]));
}
