import { OnebitError } from "onebit";
import { type Cursor, remaining, take, utf8, utf8OrNothing } from "../cursor.js";

/** Ceilings far above what a checkpoint of thousands of tensors needs, whatever lies beside them. */
export const pickleLimits = {
  bytes: 128 * 2 ** 20,
  opcodes: 4_000_000,
  containers: 500_000,
  stack: 500_000,
  marks: 1_000,
  memo: 1_000_000,
  /** Items that allowed calls go through: a small file may pass one long list to many of them. */
  callItems: 2_000_000,
  integerBytes: 255,
  nameBytes: 512,
};

/** Memory shared with the file: the length is bounded by what is there. */
export const bytesOf = (cursor: Cursor, length: number): Uint8Array<ArrayBuffer> =>
  take(cursor, length);

/** Texts that are no UTF-8 stay bytes: Python keeps odd file names as lone surrogates. */
export function textOf(cursor: Cursor, length: number): string | Uint8Array<ArrayBuffer> {
  const bytes = take(cursor, length);
  return utf8OrNothing(bytes) ?? bytes;
}

/** Texts of Python 2 are bytes; those that are not ASCII stay bytes. */
export function asciiOrBytes(cursor: Cursor, length: number): string | Uint8Array<ArrayBuffer> {
  const bytes = take(cursor, length);
  return bytes.every((byte) => byte < 128) ? utf8(bytes, "pickle: a text") : bytes;
}

/** Little-endian two's complement of `length` bytes; very long ones, which nothing needs, stay bytes. */
export function integerOf(
  cursor: Cursor,
  length: number,
): number | bigint | Uint8Array<ArrayBuffer> {
  if (length > pickleLimits.integerBytes) return take(cursor, length);
  if (length === 0) return 0;
  const hex = Array.from(take(cursor, length), (byte) => byte.toString(16).padStart(2, "0"));
  return small(BigInt.asIntN(length * 8, BigInt(`0x${hex.reverse().join("")}`)));
}

/** An integer as text: how Python 2 writes those that need more than 32 bits; 00 and 01 are bools. */
export function textInteger(cursor: Cursor): number | bigint | boolean {
  const line = lineOf(cursor);
  if (line === "00" || line === "01") return line === "01";
  if (/^-?\d{1,80}L?$/.test(line)) return small(BigInt(line.replace("L", "")));
  throw new OnebitError("pickle: an integer is no number: it is damaged");
}

const small = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

/** Text up to the end of the line: how GLOBAL spells a module and a name. */
export function lineOf(cursor: Cursor): string {
  const { view, offset } = cursor;
  const most = Math.min(pickleLimits.nameBytes, remaining(cursor));
  for (let length = 0; length < most; length++) {
    if (view.getUint8(offset + length) !== 0x0a) continue;
    const line = utf8(take(cursor, length), "pickle: a name");
    cursor.offset++;
    return line;
  }
  if (most < pickleLimits.nameBytes) cursor.exhausted = true;
  throw new OnebitError(`pickle: a name at byte ${offset} does not end: it is damaged`);
}
