import { type Graph, type Shape, sizeOf } from "onebit/graph";
import type { TensorEntry } from "../../readers/tensor-entry.js";
import type { NetworkTensor } from "../importer.js";

/**
 * The file's tensors by the graph's keys. 1-bit weights may be flat (`weights`, [O * I * K * K, 1]) on
 * one side and 4-D (`weight`) on the other: ReActNet's authors have written both.
 */
export function spelledAs(
  graph: Graph,
  tensors: ReadonlyMap<string, TensorEntry>,
): ReadonlyMap<string, NetworkTensor> {
  const spelled = new Map<string, NetworkTensor>(tensors);
  for (const [key, { shape }] of Object.entries(graph.tensors)) {
    if (!CONV_WEIGHT.test(key)) continue;
    const name = storedKey(key, tensors);
    const stored = tensors.get(name);
    if (!stored) continue;
    spelled.delete(name);
    spelled.set(key, isFlatOrFull(stored, shape) ? { ...stored, shape, stored } : stored);
  }
  return spelled;
}

const CONV_WEIGHT = /\.binary_\w+\.weights?$/;

/** The graph's key, or its other spelling where the file has only that. */
function storedKey(key: string, tensors: ReadonlyMap<string, TensorEntry>): string {
  if (tensors.has(key)) return key;
  return key.endsWith("s") ? key.slice(0, -1) : `${key}s`;
}

function isFlatOrFull({ shape, elements }: TensorEntry, wanted: Shape): boolean {
  const isFlat = (dims: Shape) => dims.length === 2 && dims[1] === 1;
  const [flat, full] = isFlat(shape) ? [shape, wanted] : [wanted, shape];
  return elements === sizeOf(wanted) && isFlat(flat) && full.length === 4;
}
