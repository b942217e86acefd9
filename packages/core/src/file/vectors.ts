import { OnebitError } from "../errors.js";
import { levelsOf, levelValue } from "../program/quantiser.js";
import type { StoredTensor } from "./safetensors.js";

/** A 16-bit vector: the bytes of low and range, float32, then a code per number, less HALF. */
export const HEAD = 4;
export const LEVELS = levelsOf(16);
export const HALF = 2 ** 15;

/** The values of an I16 tensor. */
export function loadVector(key: string, { data }: StoredTensor): Float32Array {
  const stored = new Int16Array(new Uint8Array(data).buffer);
  if (stored.length <= HEAD) {
    throw new OnebitError(`tensor "${key}": ${stored.length} numbers are no I16 vector`);
  }
  const [low, range] = new Float32Array(stored.buffer, 0, 2);
  const values = new Float32Array(stored.length - HEAD);
  for (let i = 0; i < values.length; i++) {
    values[i] = levelValue(stored[HEAD + i] + HALF, { low, range }, LEVELS);
  }
  return values;
}
