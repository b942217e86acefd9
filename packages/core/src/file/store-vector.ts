import { levelCode, rangeOf } from "../program/quantiser.js";
import { type StoredTensor, storedFloat32 } from "./safetensors.js";
import { HALF, HEAD, LEVELS } from "./vectors.js";

/** How per-channel vectors are stored; in memory they are float32. */
export type Vectors = "float32" | "int16";

/** How per-channel vectors can be stored. */
export const VECTORS: readonly Vectors[] = ["float32", "int16"];

const NO_CLIP = 3.4028234663852886e38;

/**
 * A vector as it is, or each number as the nearest of 65,536 between the smallest and the largest.
 * Where that is coarser than float16 for half of them, because few are much larger than the rest, or
 * takes more bytes, the vector stays float32.
 */
export function storeVector(
  values: Float32Array,
  form: Vectors,
  shape: readonly number[] = [values.length],
): StoredTensor {
  const whole = { start: 0, stride: 1, count: values.length };
  const range = rangeOf(values, whole, NO_CLIP);
  if (form === "float32" || values.length <= HEAD || isUneven(values, range.range)) {
    return storedFloat32(shape, values);
  }
  const stored = new Int16Array(HEAD + values.length);
  new Float32Array(stored.buffer, 0, 2).set([range.low, range.range]);
  values.forEach((value, i) => {
    stored[HEAD + i] = levelCode(value, range, LEVELS) - HALF;
  });
  return { dtype: "I16", shape: [stored.length], data: new Uint8Array(stored.buffer) };
}

/** Half a step, against float16's half unit in the last place of the number in the middle. */
function isUneven(values: Float32Array, range: number): boolean {
  const middle = values.map(Math.abs).sort()[values.length >> 1];
  return !(range / (2 * LEVELS) <= middle / 2 ** 12);
}
