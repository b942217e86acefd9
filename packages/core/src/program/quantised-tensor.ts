import { levelsOf } from "./quantiser.js";
import type { QuantisedTensor } from "./types.js";

/** The float32 values that codes stand for; shape [O, ..., C]. */
export function expandQuantised(tensor: QuantisedTensor, shape: readonly number[]): Float32Array {
  const { codes, group, lows, ranges, scales } = tensor;
  const fractions = levelFractions(tensor.bits);
  const [outs, channels] = [shape[0], shape[shape.length - 1]];
  const rowLength = codes.length / outs;
  const values = new Float32Array(codes.length);
  for (let o = 0, i = 0; o < outs; o++) {
    const scale = scales[o];
    for (let n = 0; n < rowLength; n++, i++) {
      const g = group === "row" ? o : o * channels + (n % channels);
      const product = Math.fround(fractions[codes[i]] * ranges[g]);
      values[i] = Math.fround(product + lows[g]) * scale;
    }
  }
  return values;
}

/** code / (2^bits - 1), by code. */
function levelFractions(bits: number): Float32Array {
  const levels = levelsOf(bits);
  return Float32Array.from({ length: levels + 1 }, (_, code) => code / levels);
}
