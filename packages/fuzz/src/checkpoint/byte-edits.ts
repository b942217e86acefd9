import type { Random } from "onebit/conformance";
import { edgeNumber } from "../edge-values.js";

/** An edited copy, and what was done. */
export interface Edited {
  readonly bytes: Uint8Array;
  readonly told: string;
}

export type BytesEdit = (bytes: Uint8Array, random: Random) => Edited;

/** A number of 1 to 8 bytes at one place replaced by a telling one. */
export const editInteger: BytesEdit = (bytes, random) => {
  const width = random.pick([1, 2, 4, 8]);
  if (bytes.length < width) return { bytes, told: "too short" };
  const at = random.int(0, bytes.length - width);
  const value = BigInt(Math.trunc(edgeNumber(random, random.int(0, 255))));
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(BigInt.asUintN(64, value));
  const copy = bytes.slice();
  copy.set(number.subarray(0, width), at);
  return { bytes: copy, told: `${width} bytes at ${at} are ${value}` };
};

/** One to four bits flipped. */
export const flipBits: BytesEdit = (bytes, random) => {
  if (bytes.length === 0) return { bytes, told: "empty" };
  const copy = bytes.slice();
  const places = Array.from({ length: random.int(1, 4) }, () => random.int(0, bytes.length - 1));
  for (const at of places) copy[at] ^= 1 << random.int(0, 7);
  return { bytes: copy, told: `bits of bytes ${places.join(", ")}` };
};

/** A piece cut out, written twice, or put in anew; or everything from a place on cut off. */
export const moveBytes: BytesEdit = (bytes, random) => {
  const at = random.int(0, bytes.length);
  const length = random.int(1, random.pick([8, 300]));
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  const parts = random.pick<() => readonly [string, ...Uint8Array[]]>([
    () => ["cut off", head],
    () => ["removed", head, tail.subarray(length)],
    () => ["doubled", head, tail.subarray(0, length), tail],
    () => ["random put in", head, Uint8Array.from({ length }, () => random.int(0, 255)), tail],
  ])();
  const [what, ...pieces] = parts;
  return { bytes: joined(pieces), told: `${what} at ${at}` };
};

export const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
