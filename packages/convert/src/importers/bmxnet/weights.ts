import { OnebitError } from "onebit";
import { type Shape, sizeOf } from "onebit/graph";
import type { TensorEntry } from "../../readers/tensor-entry.js";

/** Words of 32 or 64 bits, in arrays that claim to hold floats of that size. */
const wordBits: { readonly [dtype: string]: number } = { float32: 32, float64: 64 };

/**
 * The weights of a binary convolution as BMXNet's converter packs them, read as ±1.
 *
 *   w[o, c, ky, kx] = 2 bit(i) - 1,  i = ((o C + c) KH + ky) KW + kx
 *   bit(i) = bit i mod B, the least significant first, of word i div B
 *
 * Words are little-endian, so the file's bytes are one stream of bits whatever B is.
 *
 * Source: found by experiment, see docs/bmxnet.md.
 */
export function unpacked(entry: TensorEntry, shape: Shape): TensorEntry {
  const { key, dtype } = entry;
  const size = sizeOf(shape);
  const bits = wordBits[dtype];
  if (entry.shape.length !== 1 || !bits || entry.elements * bits !== size) {
    throw new OnebitError(
      `${key}: [${entry.shape}] ${dtype} is not ${size} weights in words of 32 or 64 bits. Has BMXNet's converter packed this file, and is the symbol of the same network?`,
    );
  }
  const floats = async () => signs(await entry.bytes(), size);
  const bytes = async () => new Uint8Array((await floats()).buffer);
  return { ...entry, shape, dtype: "float32", elements: size, bytes, read: floats, floats };
}

function signs(bytes: Uint8Array, size: number): Float32Array<ArrayBuffer> {
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = bytes[i >> 3] & (1 << (i & 7)) ? 1 : -1;
  return data;
}
