import { levelsOf } from "./quantiser.js";
import type { QuantisedTensor } from "./types.js";

/** The float32 values that codes stand for; shape [O, ..., C]. */
export function expandQuantised(tensor: QuantisedTensor, shape: readonly number[]): Float32Array {
  return tensor.group === "row" ? expandRows(tensor, shape[0]) : expandPlanes(tensor, shape);
}

/** A row has one value per code: a table of them instead of arithmetic per element. */
function expandRows({ bits, codes, lows, ranges, scales }: QuantisedTensor, outs: number) {
  const fractions = levelFractions(bits);
  const table = new Float32Array(fractions.length);
  const rowLength = codes.length / outs;
  const values = new Float32Array(codes.length);
  for (let o = 0, i = 0; o < outs; o++) {
    for (let code = 0; code < table.length; code++) {
      table[code] = levelValue(fractions[code], lows[o], ranges[o], scales[o]);
    }
    for (const end = i + rowLength; i < end; i++) values[i] = table[codes[i]];
  }
  return values;
}

function expandPlanes(
  { bits, codes, lows, ranges, scales }: QuantisedTensor,
  shape: readonly number[],
): Float32Array {
  const fractions = levelFractions(bits);
  const [outs, channels] = [shape[0], shape[shape.length - 1]];
  const rowLength = codes.length / outs;
  const values = new Float32Array(codes.length);
  for (let o = 0, i = 0; o < outs; o++) {
    for (let n = 0; n < rowLength; n++, i++) {
      const g = o * channels + (n % channels);
      values[i] = levelValue(fractions[codes[i]], lows[g], ranges[g], scales[o]);
    }
  }
  return values;
}

/** Rounded once more where it is stored. */
function levelValue(fraction: number, low: number, range: number, scale: number): number {
  return Math.fround(Math.fround(fraction * range) + low) * scale;
}

/** code / (2^bits - 1), by code. */
function levelFractions(bits: number): Float32Array {
  const levels = levelsOf(bits);
  return Float32Array.from({ length: levels + 1 }, (_, code) => code / levels);
}
