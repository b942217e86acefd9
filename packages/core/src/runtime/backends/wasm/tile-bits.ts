import type { BinaryConvStep } from "../../../program/types.js";

/** Output channels side by side in kernels/binary-conv.ts. */
const TILE = 8;

/** 1-bit weights as the kernel reads them; missing channels and outputs are 0 bits. */
export interface TiledBits {
  /** [group][tile of 8 outputs][kernel position][word of 32 channels][8 outputs] */
  readonly data: Uint32Array;
  /** Words per output: kernel positions times words of a group. */
  readonly depth: number;
  /** Index of an output's first word; the next ones follow at distances of 8. */
  readonly first: (output: number) => number;
}

/** Canonical weights, tiled. */
export function tileBits(weight: Uint8Array, step: BinaryConvStep, channels: number): TiledBits {
  const groupIn = channels / step.groups;
  const groupOut = step.out / step.groups;
  const taps = step.kernel[0] * step.kernel[1];
  const depth = taps * Math.ceil(groupIn / 32);
  const tiles = Math.ceil(groupOut / TILE);
  const first = (output: number) => {
    const group = Math.floor(output / groupOut);
    const within = output - group * groupOut;
    const tile = group * tiles + Math.floor(within / TILE);
    return tile * depth * TILE + (within % TILE);
  };
  const data = new Uint32Array(step.groups * tiles * depth * TILE);
  const rowBytes = Math.ceil((taps * groupIn) / 8);
  for (let o = 0; o < step.out; o++) {
    let at = first(o);
    for (let tap = 0; tap < taps; tap++) {
      for (let c = 0; c < groupIn; c += 32, at += TILE) {
        data[at] = bitsAt(weight, o * rowBytes, tap * groupIn + c, Math.min(32, groupIn - c));
      }
    }
  }
  return { data, depth, first };
}

/** Sum of the ±1 weights at each kernel position: [kernel position][output]. */
export function tapSums(tiled: TiledBits, step: BinaryConvStep, channels: number): Int32Array {
  const taps = step.kernel[0] * step.kernel[1];
  const words = tiled.depth / taps;
  const sums = new Int32Array(taps * step.out);
  for (let o = 0; o < step.out; o++) {
    let at = tiled.first(o);
    for (let tap = 0; tap < taps; tap++) {
      let set = 0;
      for (let i = 0; i < words; i++, at += TILE) set += bitCount(tiled.data[at]);
      sums[tap * step.out + o] = 2 * set - channels / step.groups;
    }
  }
  return sums;
}

/** `count` (1 to 32) bits of the row at byte `row`, from any bit on. */
function bitsAt(bytes: Uint8Array, row: number, bit: number, count: number): number {
  const byte = row + (bit >>> 3);
  const shift = bit & 7;
  const low =
    bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24);
  const word = shift === 0 ? low : (low >>> shift) | (bytes[byte + 4] << (32 - shift));
  return count === 32 ? word : word & ((1 << count) - 1);
}

function bitCount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  x = (x + (x >>> 4)) & 0x0f0f0f0f;
  return Math.imul(x, 0x01010101) >>> 24;
}
