import { OnebitError } from "../errors.js";
import { type Constants, float64 } from "../graph/constants.js";
import type { FloatArray, Node } from "../graph/types.js";
import { opNamed } from "../ops/index.js";
import { checkHard } from "./temperature.js";

/** What an exactly zero latent weight counts as. */
export type ZeroWeights = 1 | -1;

/** 1-bit weights in the canonical layout (program/types.ts), and what they are multiplied by. */
export interface BinaryWeights {
  /** [O, row bytes]. */
  readonly bits: Uint8Array;
  /** Per output channel: 1 for BNext, mean|w| for ReActNet. */
  readonly magnitudes: Float64Array;
}

/** Packs the weight of a binary convolution, [O, C / groups, KH, KW], one output channel at a time. */
export function binaryWeights(
  name: string,
  constants: Constants,
  zeroWeights?: ZeroWeights,
): BinaryWeights {
  const binarizer = constants.producer(name);
  if (binarizer?.op !== "binarize-weight") {
    const { data, shape } = constants.get(name);
    return packRows(constants.tensorBehind(name), data, shape, (row) => row);
  }
  const [source, ...scalars] = binarizer.inputs;
  const [temperature] = scalars.map((scalar) => constants.get(scalar));
  if (temperature && binarizer.attrs.hardIn !== "inference") {
    checkHard(binarizer.name, temperature.data[0], binarizer.attrs.threshold as number);
  }
  const { data, shape } = constants.get(source);
  const key = constants.tensorBehind(source);
  if (zeroWeights === undefined) refuseZeros(key, data);
  return packRows(key, data, shape, rowBinarizer(binarizer, shape, zeroWeights));
}

function refuseZeros(key: string, data: FloatArray): void {
  let zeros = 0;
  for (const w of data) if (w === 0) zeros++;
  if (!zeros) return;
  throw new OnebitError(
    `${key}: ${zeros} of ${data.length} weights are exactly 0, a 1-bit network has none. ` +
      "Is this a step-1 checkpoint? To go on, say what they count as: zero weights +1 or -1",
  );
}

/** The op itself, on one output channel; its temperature has been found to be low enough. */
function rowBinarizer(
  { op, attrs }: Node,
  [, ...shape]: readonly number[],
  zeroWeights: ZeroWeights = -1,
) {
  const hard = { ...attrs, zero: zeroWeights };
  return (row: FloatArray) =>
    opNamed(op).evaluate([{ shape: [1, ...shape], data: row }], hard, float64)[0].data;
}

function packRows(
  key: string,
  data: FloatArray,
  [outs, channels, kh, kw]: readonly number[],
  binarize: (row: FloatArray) => FloatArray,
): BinaryWeights {
  const length = channels * kh * kw;
  const rowBytes = Math.ceil(length / 8);
  const bits = new Uint8Array(outs * rowBytes);
  const magnitudes = new Float64Array(outs);
  for (let o = 0; o < outs; o++) {
    const row = binarize(data.subarray(o * length, (o + 1) * length));
    magnitudes[o] = magnitudeOf(row, `${key}, output channel ${o}`);
    packRow(row, channels, kh * kw, bits.subarray(o * rowBytes));
  }
  return { bits, magnitudes };
}

function magnitudeOf(row: FloatArray, where: string): number {
  const magnitude = Math.abs(row[0]);
  const other = row.find((w) => Math.abs(w) !== magnitude);
  if (other === undefined) return magnitude;
  throw new OnebitError(
    `${where}: holds ${row[0]} and ${other}, which is not binary; use the op binarize-weight`,
  );
}

/** [C, KH, KW] to bits in the order kh, kw, c; 1 means +1. */
function packRow(row: FloatArray, channels: number, positions: number, bits: Uint8Array): void {
  let bit = 0;
  for (let position = 0; position < positions; position++)
    for (let c = 0; c < channels; c++, bit++) {
      if (row[c * positions + position] > 0) bits[bit >> 3] |= 1 << (bit & 7);
    }
}
