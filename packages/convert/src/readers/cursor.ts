import { OnebitError } from "onebit";

/** A place in bytes; parsers advance it. Every read checks that the bytes are there. */
export interface Cursor {
  readonly view: DataView<ArrayBuffer>;
  offset: number;
  /** Set when a read went past the end: more bytes might have helped. */
  exhausted?: boolean;
}

export function cursorOver(bytes: Uint8Array<ArrayBuffer>, offset = 0): Cursor {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset };
}

export const remaining = (cursor: Cursor): number => cursor.view.byteLength - cursor.offset;

/** Steps over `count` bytes and returns where they began. */
export function skip(cursor: Cursor, count: number): number {
  if (count > remaining(cursor)) {
    cursor.exhausted = true;
    throw new OnebitError(
      `the data ends at byte ${cursor.view.byteLength}, in the middle of a record that needs ${count} bytes at ${cursor.offset}: the file is truncated or damaged, fetch it again`,
    );
  }
  const start = cursor.offset;
  cursor.offset += count;
  return start;
}

export const u8 = (c: Cursor): number => c.view.getUint8(skip(c, 1));
export const u16 = (c: Cursor): number => c.view.getUint16(skip(c, 2), true);
export const u32 = (c: Cursor): number => c.view.getUint32(skip(c, 4), true);
export const i32 = (c: Cursor): number => c.view.getInt32(skip(c, 4), true);
export const f64BigEndian = (c: Cursor): number => c.view.getFloat64(skip(c, 8), false);

/** A 64-bit count or offset. Above 2^53 no file can hold what it counts. */
export function u64(cursor: Cursor, what: string): number {
  const value = cursor.view.getBigUint64(skip(cursor, 8), true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new OnebitError(`${what} is ${value}, which no file holds: the file is damaged`);
  }
  return Number(value);
}

/** The next bytes, sharing memory with the cursor's. */
export function take(cursor: Cursor, count: number): Uint8Array<ArrayBuffer> {
  const start = skip(cursor, count);
  return new Uint8Array(cursor.view.buffer, cursor.view.byteOffset + start, count);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(bytes: Uint8Array, what: string): string {
  const text = utf8OrNothing(bytes);
  if (text === undefined) throw new OnebitError(`${what} is not UTF-8 text: the file is damaged`);
  return text;
}

export function utf8OrNothing(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
