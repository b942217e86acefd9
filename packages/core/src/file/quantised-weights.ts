import { OnebitError } from "../errors.js";
import { expandQuantised } from "../program/quantised-tensor.js";
import type { ProgramTensor } from "../program/types.js";
import { ALIGNMENT } from "./onebit-file.js";
import { loadRealWeight } from "./real-weights.js";
import type { StoredTensor } from "./safetensors.js";

/**
 * Quantised weights in a file: "<key>" holds the codes, U8, padded with zeros to a multiple of 64
 * bytes; 8 bits: one byte each; 4 bits: two per byte, the first in the low half. "<key>:8-bit" or
 * "<key>:4-bit" holds lows and ranges, one per group, and then scales, one per output channel; where
 * vectors are stored as int16, lows and ranges are multiplied by their scales and these left out.
 */
const WIDTHS = [4, 8] as const;

export type Stored = { readonly [key: string]: StoredTensor };
export type FloatTensor = Extract<ProgramTensor, { type: "float32" }>;

const LEVELS_END = "-bit";
export const levelsKey = (key: string, bits: number) => `${key}:${bits}${LEVELS_END}`;

/** Keys of the tensors that hold the levels of others. */
export function isLevelsOf(key: string, stored: Stored): boolean {
  if (!key.endsWith(LEVELS_END)) return false;
  return WIDTHS.some((bits) => {
    const weight = key.slice(0, key.length - levelsKey("", bits).length);
    return levelsKey(weight, bits) === key && Object.hasOwn(stored, weight);
  });
}

/** A stored weight of that shape; undefined where the tensor is not one of codes. */
export function loadQuantised(
  key: string,
  stored: Stored,
  shape: readonly number[],
): FloatTensor | undefined {
  const bits = WIDTHS.find((width) => Object.hasOwn(stored, levelsKey(key, width)));
  if (!bits) return undefined;
  const codes = loadCodes(key, stored[key], shape, bits);
  const quantised = { bits, codes, ...loadLevels(levelsKey(key, bits), stored, shape) };
  return { type: "float32", shape, data: expandQuantised(quantised, shape), quantised };
}

function loadCodes(
  key: string,
  { data, dtype }: StoredTensor,
  shape: readonly number[],
  bits: 4 | 8,
): Uint8Array {
  const sound = shape.every((dim) => Number.isSafeInteger(dim) && dim > 0);
  const count = sound ? shape.reduce((product, dim) => product * dim, 1) : Number.NaN;
  const bytes = Math.ceil((count * bits) / 8);
  if (dtype !== "U8" || data.length !== Math.ceil(bytes / ALIGNMENT) * ALIGNMENT) {
    throw new OnebitError(
      `tensor "${key}": holds ${data.length} bytes of ${dtype} for [${shape}] of ${bits} bits`,
    );
  }
  const codes = bits === 8 ? data.subarray(0, count) : apart(data, count);
  const rest = data.subarray(bytes).some((byte) => byte !== 0);
  if (rest || (bits === 4 && count % 2 && data[bytes - 1] >> 4)) {
    throw new OnebitError(`tensor "${key}": its padding is not zero`);
  }
  return codes;
}

function apart(bytes: Uint8Array, count: number): Uint8Array {
  const codes = new Uint8Array(count);
  for (let i = 0; i < count; i++) codes[i] = (bytes[i >> 1] >> (i & 1 ? 4 : 0)) & 15;
  return codes;
}

/** The number of values tells the groups, and whether there are scales. */
function loadLevels(key: string, stored: Stored, shape: readonly number[]) {
  const values = loadRealWeight(key, stored);
  const [outs, channels] = [shape[0], shape[shape.length - 1]];
  for (const group of ["row", "plane"] as const) {
    const groups = group === "row" ? outs : outs * channels;
    const [lows, ranges] = [values.subarray(0, groups), values.subarray(groups, 2 * groups)];
    if (values.length === 2 * groups) {
      return { group, lows, ranges, scales: new Float32Array(outs).fill(1) };
    }
    if (values.length === 2 * groups + outs) {
      return { group, lows, ranges, scales: values.subarray(2 * groups) };
    }
  }
  throw new OnebitError(`tensor "${key}": ${values.length} numbers do not fit [${shape}]`);
}
