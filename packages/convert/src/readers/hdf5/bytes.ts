import { OnebitError } from "onebit";
import { utf8OrNothing } from "../cursor.js";

/** "No address", in 64 bits. */
const UNDEFINED = 0xffffffffffffffffn;

/** A file's bytes, of which nothing is read that does not lie in it. Numbers are little-endian. */
export class Bytes {
  readonly #view: DataView<ArrayBuffer>;

  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.byteLength;
  }

  check(at: number, length: number): number {
    if (Number.isSafeInteger(at) && at >= 0 && length >= 0 && at + length <= this.length) return at;
    throw damaged(`something should be at bytes ${at} to ${at + length} of ${this.length}`);
  }

  u8(at: number): number {
    return this.#view.getUint8(this.check(at, 1));
  }

  u16(at: number): number {
    return this.#view.getUint16(this.check(at, 2), true);
  }

  u32(at: number): number {
    return this.#view.getUint32(this.check(at, 4), true);
  }

  /** A length or an offset; undefined where it is "no address". */
  u64(at: number): number | undefined {
    const value = this.#view.getBigUint64(this.check(at, 8), true);
    return value === UNDEFINED ? undefined : Number(value);
  }

  address(at: number, what: string): number {
    const value = this.u64(at);
    if (value !== undefined) return value;
    throw damaged(`${what} has no address`);
  }

  /** A whole number of 1, 2, 4 or 8 bytes. */
  number(at: number, width: number): number {
    if (width === 1) return this.u8(at);
    if (width === 2) return this.u16(at);
    return width === 4 ? this.u32(at) : this.address(at, "a length");
  }

  part(at: number, length: number): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(this.check(at, length), at + length);
  }

  /** Up to the first 0. */
  text(at: number, most: number): string {
    const bytes = this.part(at, Math.min(most, this.length - at));
    const end = bytes.indexOf(0);
    const text = utf8OrNothing(end < 0 ? bytes : bytes.subarray(0, end));
    if (text !== undefined) return text;
    throw damaged("a name is not UTF-8 text");
  }

  signature(at: number, wanted: string): boolean {
    if (at + wanted.length > this.length) return false;
    return Array.from(wanted).every((char, i) => this.bytes[at + i] === char.charCodeAt(0));
  }
}

export function damaged(why: string): OnebitError {
  return new OnebitError(`the HDF5 file cannot be read: ${why}: it is truncated or damaged`);
}
