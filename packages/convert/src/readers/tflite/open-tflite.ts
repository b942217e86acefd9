import { type AsyncBuffer, readRange } from "../async-buffer.js";
import { type Checkpoint, checkpointOf } from "../checkpoint.js";
import type { DType } from "../dtype.js";
import { rowMajor } from "../strided.js";
import { type ByteSource, type TensorEntry, tensorEntry } from "../tensor-entry.js";
import { uniqueName } from "../unique-name.js";
import { readTflite, type TfliteTensor } from "./model.js";

const stored: readonly string[] = [
  ...["float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"],
];

/**
 * A TensorFlow Lite file: its constants as tensors by name, and its one graph as the description. It is read
 * into memory whole. Types that no number has (strings) are no tensors here.
 */
export async function openTflite(buffer: AsyncBuffer): Promise<Checkpoint> {
  const model = readTflite(await readRange(buffer, 0, buffer.byteLength, "the model"));
  const names = new Set<string>();
  const entries = model.tensors.flatMap((tensor) => constant(tensor, names) ?? []);
  return checkpointOf(buffer, "tflite", entries, { description: { kind: "tflite", model } });
}

function constant(tensor: TfliteTensor, names: Set<string>): TensorEntry | undefined {
  const { name, shape, type, data } = tensor;
  if (!data || !stored.includes(type)) return undefined;
  const source: ByteSource = {
    byteLength: data.byteLength,
    read: async (start, end) => data.slice(start, end),
  };
  const layout = { shape, strides: rowMajor(shape), offset: 0, dtype: type as DType };
  return tensorEntry([uniqueName(name, names)], layout, source);
}
