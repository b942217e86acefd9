import type { OnebitHeader } from "./onebit-file.js";
import type { StoredTensor } from "./safetensors.js";
import { sha256 } from "./sha256.js";

/** Name, type, shape and offset in the data. */
export type TensorEntry = readonly [
  name: string,
  dtype: StoredTensor["dtype"],
  shape: readonly number[],
  start: number,
];

/** SHA-256 of everything in a file that means something; see OnebitHeader. */
export async function digest(
  header: Omit<OnebitHeader, "sha256">,
  table: readonly TensorEntry[],
  data: Uint8Array,
): Promise<string> {
  const hashing = sha256(data);
  const sorted = [...table].sort(([a], [b]) => (a < b ? -1 : 1));
  const head = JSON.stringify([header, sorted]);
  const text = `${head}\n${await hashing}`;
  return sha256(new TextEncoder().encode(text));
}
