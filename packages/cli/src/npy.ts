import { type Checkpoint, type DType, fileBuffer, openCheckpoint } from "@onebit/convert";
import { type FloatTensor, OnebitError } from "onebit";
import { KIND_BYTES, unknownFile, wrongFile } from "onebit/file";
import { counted } from "onebit/words";
import { writeOutput } from "./output-file.js";

/** An array as float32, and what its elements were. */
export interface NpyArray extends FloatTensor {
  readonly dtype: DType;
}

/** The one array of a NumPy file, .npy or .npz. */
export async function readNpy(path: string): Promise<NpyArray> {
  const buffer = await fileBuffer(path);
  try {
    const start = await buffer.slice(0, KIND_BYTES);
    const wanted = { name: path, wanted: "array" } as const;
    const wrong = wrongFile(start, wanted) ?? unknownFile(start, wanted);
    if (wrong) throw wrong;
    const { tensors } = await openCheckpoint(buffer);
    const [first, ...others] = tensors;
    if (!first || others.length) throw severalArrays(path, tensors);
    const [, { shape, dtype, floats }] = first;
    return { shape, dtype, data: await floats() };
  } finally {
    await buffer.close();
  }
}

function severalArrays(path: string, arrays: Checkpoint["tensors"]): OnebitError {
  const listed = [...arrays].map(([name, { shape }]) => `${name} [${shape.join(", ")}]`).join(", ");
  const [name = "NAME"] = arrays.keys();
  return new OnebitError(
    `${path}: holds ${counted(arrays.size, "array")}${listed && `, ${listed}`}; one is wanted: numpy.save("${name}.npy", numpy.load(${JSON.stringify(path)})["${name}"])`,
  );
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
