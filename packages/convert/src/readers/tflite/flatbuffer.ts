import { OnebitError } from "onebit";
import { utf8 } from "../cursor.js";

/** Whole numbers, little-endian: bytes, and how one is read. */
const numbers = {
  u8: { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  i8: { bytes: 1, read: (view: DataView, at: number) => view.getInt8(at) },
  i32: { bytes: 4, read: (view: DataView, at: number) => view.getInt32(at, true) },
  u32: { bytes: 4, read: (view: DataView, at: number) => view.getUint32(at, true) },
  f32: { bytes: 4, read: (view: DataView, at: number) => view.getFloat32(at, true) },
  i64: { bytes: 8, read: (view: DataView, at: number) => Number(view.getBigInt64(at, true)) },
} as const;

/** A number as a flatbuffer stores it. */
export type FlatNumber = keyof typeof numbers;

/** What a file may list altogether, in times of its size: files share what is alike, hostile ones everything. */
const SHARING = 4;

/**
 * A flatbuffer, read by hand: every offset and length is checked before it is followed, and what is read
 * altogether stays within a few times the file's size, however often parts of it are pointed at. Its schema
 * has no recursion, so circles end.
 *
 * Source of the format: flatbuffers.dev, "FlatBuffer internals".
 */
export class Flatbuffer {
  readonly view: DataView<ArrayBuffer>;
  #left: number;

  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#left = SHARING * bytes.byteLength;
  }

  root(what: string): FlatTable {
    return new FlatTable(this, this.follow(0, what), what);
  }

  /** The place that the unsigned offset at `at` leads to. */
  follow(at: number, what: string): number {
    const place = at + this.number("u32", at, what);
    this.check(place, 4, what);
    return place;
  }

  number(type: FlatNumber, at: number, what: string): number {
    const { bytes, read } = numbers[type];
    this.check(at, bytes, what);
    return read(this.view, at);
  }

  /** Where the entries of the vector at `at` begin, and how many there are. */
  vector(at: number, entryBytes: number, what: string): { start: number; length: number } {
    const length = this.number("u32", at, what);
    const start = at + 4;
    this.check(start, length * entryBytes, what);
    this.#left -= length * entryBytes;
    if (this.#left >= 0) return { start, length };
    throw new OnebitError(
      `${what}: parts of the file are listed again and again, more than ${SHARING} times its size: the file is damaged`,
    );
  }

  check(at: number, length: number, what: string): void {
    if (at >= 0 && at + length <= this.bytes.byteLength) return;
    throw new OnebitError(
      `${what} should be at bytes ${at} to ${at + length}, but there are ${this.bytes.byteLength}: the file is truncated or damaged, fetch it again`,
    );
  }
}

/** A table: fields by their number in the schema, with the schema's default where one is absent. */
export class FlatTable {
  readonly #vtable: number;
  readonly #fields: number;

  constructor(
    readonly buffer: Flatbuffer,
    readonly at: number,
    readonly what: string,
  ) {
    this.#vtable = at - buffer.number("i32", at, what);
    buffer.check(this.#vtable, 4, what);
    const bytes = buffer.view.getUint16(this.#vtable, true);
    buffer.check(this.#vtable, Math.max(4, bytes), what);
    this.#fields = (bytes >> 1) - 2;
  }

  number(field: number, type: FlatNumber, absent = 0): number {
    const at = this.#place(field);
    return at === undefined ? absent : this.buffer.number(type, at, this.what);
  }

  flag(field: number, absent = false): boolean {
    return this.number(field, "u8", absent ? 1 : 0) !== 0;
  }

  text(field: number): string | undefined {
    const bytes = this.bytes(field);
    return bytes && utf8(bytes, this.what);
  }

  table(field: number, what = this.what): FlatTable | undefined {
    const at = this.#target(field);
    return at === undefined ? undefined : new FlatTable(this.buffer, at, what);
  }

  tables(field: number, what: string): FlatTable[] {
    const { start, length } = this.#vector(field, 4) ?? { start: 0, length: 0 };
    return Array.from({ length }, (_, i) => {
      const name = `${what} ${i}`;
      return new FlatTable(this.buffer, this.buffer.follow(start + 4 * i, name), name);
    });
  }

  /** Undefined where the field is absent, which is not the same as an empty list everywhere. */
  list(field: number, type: FlatNumber): number[] | undefined {
    const { bytes, read } = numbers[type];
    const vector = this.#vector(field, bytes);
    if (!vector) return undefined;
    const { start, length } = vector;
    return Array.from({ length }, (_, i) => read(this.buffer.view, start + i * bytes));
  }

  /** A view of the file's own bytes. */
  bytes(field: number): Uint8Array<ArrayBuffer> | undefined {
    const vector = this.#vector(field, 1);
    return vector && this.buffer.bytes.subarray(vector.start, vector.start + vector.length);
  }

  #vector(field: number, entryBytes: number) {
    const at = this.#target(field);
    return at === undefined ? undefined : this.buffer.vector(at, entryBytes, this.what);
  }

  #target(field: number): number | undefined {
    const at = this.#place(field);
    return at === undefined ? undefined : this.buffer.follow(at, this.what);
  }

  #place(field: number): number | undefined {
    if (field >= this.#fields) return undefined;
    const offset = this.buffer.view.getUint16(this.#vtable + 4 + 2 * field, true);
    return offset === 0 ? undefined : this.at + offset;
  }
}
