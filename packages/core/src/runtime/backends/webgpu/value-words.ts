import type { ProgramValue } from "../../../program/types.js";
import { bitWords } from "./compiling.js";

type Values = Float32Array | Int8Array;

/** Numbers [H, W, C], bits as -1 and +1, as they lie in the arena. */
export function toWords({ kind, shape }: ProgramValue, values: Values): Uint32Array {
  if (kind !== "bits") return new Uint32Array(Float32Array.from(values).buffer);
  const channels = shape[2];
  const stride = bitWords(channels);
  const words = new Uint32Array((values.length / channels) * stride);
  values.forEach((value, i) => {
    const c = i % channels;
    if (value > 0) words[Math.floor(i / channels) * stride + (c >> 5)] |= 1 << (c & 31);
  });
  return words;
}

/** The inverse; words behind the last are left. */
export function toValues({ kind, shape }: ProgramValue, words: Uint32Array): Values {
  const [height, width, channels] = shape;
  const size = height * width * channels;
  if (kind !== "bits") return new Float32Array(words.buffer, words.byteOffset, size);
  const stride = bitWords(channels);
  return Int8Array.from({ length: size }, (_, i) => {
    const c = i % channels;
    const word = words[Math.floor(i / channels) * stride + (c >> 5)];
    return (word >>> (c & 31)) & 1 ? 1 : -1;
  });
}
