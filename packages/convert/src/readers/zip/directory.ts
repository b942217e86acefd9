import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import { type AsyncBuffer, readRange } from "../async-buffer.js";
import { type Cursor, cursorOver, remaining, skip, take, u16, u32, u64, utf8 } from "../cursor.js";

/** What the central directory says about one member. */
export interface ZipEntry {
  readonly name: string;
  readonly flags: number;
  /** 0: stored as it is, 8: deflated. */
  readonly method: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly headerOffset: number;
  /** Where the next member or the directory begins: this one ends before it. */
  readonly limit: number;
}

const endLength = 22;
const endSignature = 0x06054b50;
const locatorLength = 20;
const locatorSignature = 0x07064b50;
const end64Signature = 0x06064b50;
const memberSignature = 0x02014b50;
const maxDirectoryBytes = 8 * 2 ** 20;
const unknown16 = 0xffff;
const unknown32 = 0xffffffff;

interface Directory {
  count: number;
  offset: number;
  byteLength: number;
  /** Where the records that end the file begin. */
  tail: number;
}

/**
 * The members of a zip file by name, in the order of the directory. Refused: names that occur twice,
 * members that overlap each other or the directory, encryption, several disks, anything that the two
 * end records disagree about.
 *
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16.
 */
export async function readDirectory(buffer: AsyncBuffer): Promise<Map<string, ZipEntry>> {
  const { offset, byteLength, count, tail } = await findDirectory(buffer);
  if (offset + byteLength !== tail) {
    throw new OnebitError(
      `zip directory: ${byteLength} bytes at ${offset} do not end at ${tail}: the file is truncated, padded or damaged`,
    );
  }
  if (byteLength > maxDirectoryBytes || count * 46 > byteLength) {
    throw new OnebitError(
      `zip directory: ${count} members in ${byteLength} bytes are not possible`,
    );
  }
  const cursor = cursorOver(await readRange(buffer, offset, tail, "the zip directory"));
  const members: Omit<ZipEntry, "limit">[] = [];
  for (let i = 0; i < count; i++) members.push(readMember(cursor));
  if (remaining(cursor) > 0) {
    throw new OnebitError(
      `zip directory: ${counted(remaining(cursor), "byte")} after the last member`,
    );
  }
  return placed(members, offset);
}

async function findDirectory(buffer: AsyncBuffer): Promise<Directory> {
  const start = Math.max(0, buffer.byteLength - endLength - unknown16 - locatorLength);
  const bytes = await readRange(buffer, start, buffer.byteLength, "the end of the zip file");
  const at = findEnd(bytes);
  const cursor = cursorOver(bytes, at + 4);
  const disks = [u16(cursor), u16(cursor)];
  const counts = [u16(cursor), u16(cursor)];
  const end = { byteLength: u32(cursor), offset: u32(cursor) };
  const locator = at - locatorLength;
  const wide = locator >= 0 && cursorOver(bytes).view.getUint32(locator, true) === locatorSignature;
  if (disks[0] + disks[1] !== 0 || counts[0] !== counts[1]) {
    throw new OnebitError("zip: split over several disks, which no checkpoint is: it is damaged");
  }
  if (!wide) return { ...end, count: counts[0], tail: start + at };
  const directory = await readEnd64(buffer, cursorOver(bytes, locator + 4), start + locator);
  const agrees = (short: number, long: number, unknown: number) =>
    short === long || short === unknown;
  if (
    !agrees(counts[0], directory.count, unknown16) ||
    !agrees(end.byteLength, directory.byteLength, unknown32) ||
    !agrees(end.offset, directory.offset, unknown32)
  ) {
    throw new OnebitError("zip: the two records at the end disagree: the file is damaged");
  }
  return directory;
}

/** The last end record whose comment reaches exactly to the end of the file. */
function findEnd(bytes: Uint8Array<ArrayBuffer>): number {
  const { view } = cursorOver(bytes);
  for (let at = bytes.length - endLength; at >= 0; at--) {
    if (bytes[at] !== 0x50 || view.getUint32(at, true) !== endSignature) continue;
    if (at + endLength + view.getUint16(at + 20, true) === bytes.length) return at;
  }
  throw new OnebitError(
    "zip: no directory at the end of the file: it is truncated or damaged, fetch it again",
  );
}

async function readEnd64(
  buffer: AsyncBuffer,
  locator: Cursor,
  locatorOffset: number,
): Promise<Directory> {
  const disk = u32(locator);
  const tail = u64(locator, "the place of the zip64 end record");
  if (disk !== 0 || u32(locator) > 1) throw new OnebitError("zip64: split over several disks");
  const fixed = 56;
  if (tail + fixed > locatorOffset) {
    throw new OnebitError("zip64: the end record is not where it should be: the file is damaged");
  }
  const bytes = await readRange(buffer, tail, tail + fixed, "the zip64 end record");
  const cursor = cursorOver(bytes);
  const signature = u32(cursor);
  const length = u64(cursor, "the length of the zip64 end record");
  skip(cursor, 4);
  const disks = [u32(cursor), u32(cursor)];
  const counts = [u64(cursor, "the member count"), u64(cursor, "the member count")];
  const byteLength = u64(cursor, "the size of the zip directory");
  const offset = u64(cursor, "the place of the zip directory");
  const whole = signature === end64Signature && tail + 12 + length === locatorOffset;
  if (!whole || disks[0] + disks[1] !== 0 || counts[0] !== counts[1]) {
    throw new OnebitError("zip64: the end record is damaged: fetch the file again");
  }
  return { count: counts[0], offset, byteLength, tail };
}

function readMember(cursor: Cursor): Omit<ZipEntry, "limit"> {
  const signature = u32(cursor);
  if (signature !== memberSignature) {
    throw new OnebitError(
      `zip directory: no member at its byte ${cursor.offset - 4}: it is damaged`,
    );
  }
  skip(cursor, 4);
  const flags = u16(cursor);
  const method = u16(cursor);
  skip(cursor, 4);
  const crc = u32(cursor);
  const compressedSize = u32(cursor);
  const size = u32(cursor);
  const lengths = { name: u16(cursor), extra: u16(cursor), comment: u16(cursor) };
  const disk = u16(cursor);
  skip(cursor, 6);
  const headerOffset = u32(cursor);
  const name = utf8(take(cursor, lengths.name), "a member's name");
  const extra = cursorOver(take(cursor, lengths.extra));
  skip(cursor, lengths.comment);
  checkMember(name, flags, method, disk);
  const wide = wideSizes(extra, [size, compressedSize, headerOffset], name);
  return {
    name,
    flags,
    method,
    crc,
    size: wide[0],
    compressedSize: wide[1],
    headerOffset: wide[2],
  };
}

/** Flag bits that may be set: 1 and 2 deflate level, 3 sizes after the data, 11 UTF-8 name. */
const allowedFlags = 0b1000_0000_1110;

function checkMember(name: string, flags: number, method: number, disk: number): void {
  if (flags & 1) throw new OnebitError(`zip: ${name} is encrypted: decrypt the file first`);
  if (flags & ~allowedFlags)
    throw new OnebitError(`zip: ${name} has unknown flags 0x${flags.toString(16)}`);
  if (method !== 0 && method !== 8) {
    throw new OnebitError(`zip: ${name} is compressed by method ${method}; known are 0 and 8`);
  }
  if (disk !== 0) throw new OnebitError(`zip: ${name} is on another disk`);
}

/**
 * Replaces the sizes that do not fit into 32 bits (all ones) by those of the zip64 extra field,
 * which holds only these, in this order.
 */
export function wideSizes(extra: Cursor, short: readonly number[], name: string): number[] {
  if (!short.includes(unknown32)) return [...short];
  while (remaining(extra) >= 4) {
    const id = u16(extra);
    const field = cursorOver(take(extra, u16(extra)));
    if (id !== 1) continue;
    return short.map((value) => (value === unknown32 ? u64(field, `a size of ${name}`) : value));
  }
  throw new OnebitError(`zip: ${name} lacks its 64-bit sizes: the file is damaged`);
}

/** Checks names and places, and finds where each member must end. */
function placed(members: Omit<ZipEntry, "limit">[], directory: number): Map<string, ZipEntry> {
  const sorted = members.toSorted((a, b) => a.headerOffset - b.headerOffset);
  const entries = new Map<Omit<ZipEntry, "limit">, ZipEntry>();
  sorted.forEach((member, i) => {
    const limit = sorted[i + 1]?.headerOffset ?? directory;
    const least = member.headerOffset + 30 + member.name.length + member.compressedSize;
    if (!(least <= limit)) {
      throw new OnebitError(
        `zip: ${member.name} overlaps what follows it, or lies outside the file`,
      );
    }
    entries.set(member, { ...member, limit });
  });
  const byName = new Map<string, ZipEntry>();
  for (const member of members) {
    if (byName.has(member.name)) {
      throw new OnebitError(
        `zip: two members are named ${member.name}: which one counts is unclear`,
      );
    }
    byName.set(member.name, entries.get(member)!);
  }
  return byName;
}
