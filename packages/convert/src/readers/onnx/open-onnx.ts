import { type AsyncBuffer, readRange } from "../async-buffer.js";
import { type Checkpoint, checkpointOf } from "../checkpoint.js";
import { rowMajor } from "../strided.js";
import { type ByteSource, tensorEntry } from "../tensor-entry.js";
import { readOnnxGraph } from "./graph.js";

/** An ONNX file: its initialisers as tensors by name, its graph as the description. Read into memory whole. */
export async function openOnnx(buffer: AsyncBuffer): Promise<Checkpoint> {
  const graph = readOnnxGraph(await readRange(buffer, 0, buffer.byteLength, "the model"));
  const entries = [...graph.constants.values()].map(({ name, shape, dtype, bytes }) => {
    const read: ByteSource["read"] = async (start, end) => bytes.slice(start, end);
    const layout = { shape, strides: rowMajor(shape), offset: 0, dtype };
    return tensorEntry([name], layout, { byteLength: bytes.byteLength, read });
  });
  return checkpointOf(buffer, "onnx", entries, {
    description: { kind: "onnx", graph },
    metadata: graph.metadata,
  });
}
