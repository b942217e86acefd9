import type { BinaryConvStep } from "../../../program/types.js";

/** Output channels side by side in kernels/binary-conv.ts. */
const TILE = 8;

/**
 * Canonical 1-bit weights as the kernel reads them: [group][tile of 8 outputs][kernel position]
 * [word of 32 channels][8 outputs]; missing channels and outputs are 0 bits.
 */
export function tileBits(weight: Uint8Array, step: BinaryConvStep, channels: number): Uint32Array {
  const groupIn = channels / step.groups;
  const groupOut = step.out / step.groups;
  const words = Math.ceil(groupIn / 32);
  const taps = step.kernel[0] * step.kernel[1];
  const tiles = Math.ceil(groupOut / TILE);
  const tiled = new Uint32Array(step.groups * tiles * taps * words * TILE);
  for (let o = 0; o < step.out; o++) {
    const group = Math.floor(o / groupOut);
    const within = o - group * groupOut;
    const tile = group * tiles + Math.floor(within / TILE);
    let at = tile * taps * words * TILE + (within % TILE);
    forEachWord(weight, step, groupIn, o, (word) => {
      tiled[at] = word;
      at += TILE;
    });
  }
  return tiled;
}

/** Sum of the ±1 weights at each kernel position: [kernel position][output]. */
export function tapSums(weight: Uint8Array, step: BinaryConvStep, channels: number): Int32Array {
  const groupIn = channels / step.groups;
  const sums = new Int32Array(step.kernel[0] * step.kernel[1] * step.out).fill(-groupIn);
  for (let o = 0; o < step.out; o++) {
    forEachWord(weight, step, groupIn, o, (word, tap) => {
      sums[tap * step.out + o] += 2 * bitCount(word);
    });
  }
  return sums;
}

/** The words of one output channel, kernel position by kernel position. */
function forEachWord(
  weight: Uint8Array,
  { kernel }: BinaryConvStep,
  groupIn: number,
  output: number,
  visit: (word: number, tap: number) => void,
): void {
  const taps = kernel[0] * kernel[1];
  const row = output * Math.ceil((taps * groupIn) / 8) * 8;
  for (let tap = 0; tap < taps; tap++) {
    const first = row + tap * groupIn;
    for (let c = 0; c < groupIn; c += 32) {
      visit(bitsAt(weight, first + c, Math.min(32, groupIn - c)), tap);
    }
  }
}

/** `count` (1 to 32) bits from any bit of a byte array on; what lies behind its end is 0. */
function bitsAt(bytes: Uint8Array, bit: number, count: number): number {
  const byte = bit >>> 3;
  const shift = bit & 7;
  const low =
    bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24);
  const word = shift === 0 ? low : (low >>> shift) | (bytes[byte + 4] << (32 - shift));
  return count === 32 ? word >>> 0 : word & ((1 << count) - 1);
}

function bitCount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  x = (x + (x >>> 4)) & 0x0f0f0f0f;
  return Math.imul(x, 0x01010101) >>> 24;
}
