import { expandQuantised } from "../program/quantised-tensor.js";
import type { QuantisedTensor } from "../program/types.js";
import { ALIGNMENT } from "./onebit-file.js";
import { type FloatTensor, levelsKey, type Stored } from "./quantised-weights.js";
import type { StoredTensor } from "./safetensors.js";
import { storeVector, type Vectors } from "./store-vector.js";

/** Whether the data are still what the codes say. */
export function isQuantised({ quantised, data, shape }: FloatTensor): boolean {
  if (!quantised) return false;
  return expandQuantised(quantised, shape).every((value, i) => value === data[i]);
}

export function storeQuantised(key: string, quantised: QuantisedTensor, vectors: Vectors): Stored {
  const { bits, codes, lows, ranges, scales } = quantised;
  const grid = vectors === "int16" ? folded(quantised) : [...lows, ...ranges, ...scales];
  return {
    [key]: codesTensor(bits === 8 ? codes : inPairs(codes)),
    [levelsKey(key, bits)]: storeVector(Float32Array.from(grid), vectors),
  };
}

function codesTensor(bytes: Uint8Array): StoredTensor {
  const data = new Uint8Array(Math.ceil(bytes.length / ALIGNMENT) * ALIGNMENT);
  data.set(bytes);
  return { dtype: "U8", shape: [data.length], data };
}

function inPairs(codes: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(codes.length / 2));
  for (let i = 0; i < codes.length; i++) bytes[i >> 1] |= codes[i] << (i & 1 ? 4 : 0);
  return bytes;
}

/** w = (code / levels * range + low) * scale = code / levels * (range * scale) + low * scale. */
function folded({ lows, ranges, scales }: QuantisedTensor): number[] {
  const scaleOf = (group: number) => scales[Math.floor((group * scales.length) / lows.length)];
  return [...lows.map((low, g) => low * scaleOf(g)), ...ranges.map((r, g) => r * scaleOf(g))];
}
