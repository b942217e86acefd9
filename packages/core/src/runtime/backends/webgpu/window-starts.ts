import type { BinaryConvStep } from "../../../program/types.js";
import { wordAt } from "./binary-conv.js";

type Range = readonly [start: number, end: number];

/**
 * What an accumulator starts from, [row class, column class, O]: the number of products, and for the
 * positions outside the map, which count as -1, (padValue + 1) * (sum of their weights).
 */
export function windowStarts(
  bits: Uint8Array,
  { kernel: [height, width], out, padValue }: BinaryConvStep,
  products: number,
  rows: readonly Range[],
  columns: readonly Range[],
): Float32Array {
  const starts = new Float32Array(rows.length * columns.length * out).fill(products);
  if (rows.length * columns.length === 1 && covers(rows[0], height) && covers(columns[0], width)) {
    return starts;
  }
  const rowBytes = bits.length / out;
  for (let o = 0; o < out; o++) {
    const row = bits.subarray(o * rowBytes, (o + 1) * rowBytes);
    const sums = summed(row, height, width, products / (height * width));
    const inside = ([top, bottom]: Range, [left, right]: Range) => {
      const at = (y: number, x: number) => sums[y * (width + 1) + x];
      return at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left);
    };
    const all = inside([0, height], [0, width]);
    let i = o;
    for (const y of rows) {
      for (const x of columns) {
        starts[i] += (Number(padValue) + 1) * (all - inside(y, x));
        i += out;
      }
    }
  }
  return starts;
}

const covers = ([start, end]: Range, size: number) => start === 0 && end === size;

/** Sums of the weights above and to the left of each corner of the kernel, [height + 1, width + 1]. */
function summed(row: Uint8Array, height: number, width: number, channels: number): Int32Array {
  const sums = new Int32Array((height + 1) * (width + 1));
  for (let y = 0; y < height; y++) {
    let line = 0;
    for (let x = 0; x < width; x++) {
      line += weightSum(row, (y * width + x) * channels, channels);
      const at = (y + 1) * (width + 1) + x + 1;
      sums[at] = sums[at - width - 1] + line;
    }
  }
  return sums;
}

/** Of `channels` weights from bit `first`. */
function weightSum(row: Uint8Array, first: number, channels: number): number {
  let set = 0;
  for (let c = 0; c < channels; c += 32) {
    set += onesIn(wordAt(row, first + c, Math.min(32, channels - c)));
  }
  return 2 * set - channels;
}

function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
