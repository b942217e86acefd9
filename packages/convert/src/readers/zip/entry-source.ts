import { OnebitError } from "onebit";
import { type AsyncBuffer, allocate, readRange } from "../async-buffer.js";
import { crc32 } from "../crc32.js";
import { cursorOver, take, u16, u32, u64, utf8 } from "../cursor.js";
import type { ByteSource } from "../tensor-entry.js";
import { wideSizes, type ZipEntry } from "./directory.js";
import { inflated } from "./inflate.js";

const memberSignature = 0x04034b50;
const descriptorSignature = 0x08074b50;
const sizesFollow = 1 << 3;
const chunk = 4 * 2 ** 20;
/** A deflated member cannot be larger than this times its compressed size. */
const maxDeflateRatio = 1032;
/** Larger deflated members are refused: nobody compresses weights, and bombs look like this. */
const maxInflated = 512 * 2 ** 20;

/**
 * The contents of one member. The first read goes through all of it and checks its CRC-32; from then
 * on, ranges of a stored member are read in place.
 */
export function entrySource(buffer: AsyncBuffer, entry: ZipEntry): ByteSource {
  checkSizes(entry);
  let data: number | undefined;
  const read = async (start: number, end: number) => {
    if (!(start >= 0 && start <= end && end <= entry.size)) {
      throw new OnebitError(
        `${entry.name}: bytes ${start} to ${end} of ${entry.size} were asked for`,
      );
    }
    if (data !== undefined && entry.method === 0) {
      return readRange(buffer, data + start, data + end, entry.name);
    }
    const part = allocate(end - start, entry.name);
    data = await verify(buffer, entry, part, start);
    return part;
  };
  return { byteLength: entry.size, read };
}

function checkSizes(entry: ZipEntry): void {
  const { name, method, size, compressedSize } = entry;
  if (method === 0 && size !== compressedSize) {
    throw new OnebitError(`zip: ${name} is stored, yet its two sizes differ: the file is damaged`);
  }
  if (method === 0) return;
  if (size > maxInflated || size > compressedSize * maxDeflateRatio + 64) {
    throw new OnebitError(
      `zip: ${name} would grow from ${compressedSize} to ${size} bytes: refused as a decompression bomb`,
    );
  }
}

/** Reads everything, keeps what falls into `part` (from byte `start`), returns where the data is. */
async function verify(
  buffer: AsyncBuffer,
  entry: ZipEntry,
  part: Uint8Array<ArrayBuffer>,
  start: number,
): Promise<number> {
  const data = await locate(buffer, entry);
  let crc = 0;
  let at = 0;
  for await (const bytes of contents(buffer, entry, data)) {
    if (at + bytes.length > entry.size) throw damaged(entry, `more than ${entry.size} bytes`);
    crc = crc32(bytes, crc);
    copyOverlap(part, start, bytes, at);
    at += bytes.length;
  }
  if (at !== entry.size) throw damaged(entry, `${at} of ${entry.size} bytes`);
  if (crc !== entry.crc) throw damaged(entry, "its CRC-32 does not match");
  return data;
}

function copyOverlap(part: Uint8Array, start: number, bytes: Uint8Array, at: number): void {
  const from = Math.max(start, at);
  const to = Math.min(start + part.length, at + bytes.length);
  if (from < to) part.set(bytes.subarray(from - at, to - at), from - start);
}

function contents(
  buffer: AsyncBuffer,
  entry: ZipEntry,
  data: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const stored = ranges(buffer, data, data + entry.compressedSize, entry.name);
  return entry.method === 0 ? stored : inflated(stored, entry.name);
}

async function* ranges(buffer: AsyncBuffer, start: number, end: number, what: string) {
  for (let at = start; at < end; at += chunk) {
    yield await readRange(buffer, at, Math.min(end, at + chunk), what);
  }
}

/** The first `length` bytes (fewer where the member is shorter), without checking the CRC-32. */
export async function entryPrefix(
  buffer: AsyncBuffer,
  entry: ZipEntry,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const data = await locate(buffer, entry);
  const prefix = new Uint8Array(Math.min(length, entry.size));
  let at = 0;
  const stored = prefixRanges(buffer, data, entry, length);
  const source = entry.method === 0 ? stored : inflated(stored, entry.name);
  for await (const bytes of source) {
    copyOverlap(prefix, 0, bytes, at);
    at += bytes.length;
    if (at >= prefix.length) break;
  }
  if (at < prefix.length) throw damaged(entry, `${at} of ${entry.size} bytes`);
  return prefix;
}

async function* prefixRanges(buffer: AsyncBuffer, data: number, entry: ZipEntry, length: number) {
  for (let at = 0; at < entry.compressedSize; at += length) {
    const end = Math.min(entry.compressedSize, at + length);
    yield await readRange(buffer, data + at, data + end, entry.name);
  }
}

const damaged = (entry: ZipEntry, how: string): OnebitError =>
  new OnebitError(`zip: ${entry.name} is damaged: ${how}: fetch the file again`);

/**
 * Where the data of a member begins. The member's own header, and the record after its data where
 * there is one, must say what the directory says.
 */
async function locate(buffer: AsyncBuffer, entry: ZipEntry): Promise<number> {
  const { headerOffset, limit } = entry;
  const known = Math.min(headerOffset + 30 + 3 * entry.name.length, limit);
  const header = cursorOver(await readRange(buffer, headerOffset, known, entry.name));
  const signature = u32(header);
  header.offset += 2;
  const flags = u16(header);
  const method = u16(header);
  header.offset += 4;
  const crc = u32(header);
  const stored = { compressed: u32(header), size: u32(header) };
  const nameLength = u16(header);
  const extraLength = u16(header);
  const data = headerOffset + 30 + nameLength + extraLength;
  const same = signature === memberSignature && flags === entry.flags && method === entry.method;
  if (!same || utf8(take(header, nameLength), "a member's name") !== entry.name) {
    throw damaged(entry, "its header and the directory disagree");
  }
  const end = data + entry.compressedSize;
  if (!(end <= limit)) throw damaged(entry, "it overlaps what follows");
  if (flags & sizesFollow) {
    await checkDescriptor(buffer, entry, end);
    return data;
  }
  const extra = cursorOver(await readRange(buffer, data - extraLength, data, entry.name));
  const [size, compressed] = wideSizes(extra, [stored.size, stored.compressed], entry.name);
  if (crc !== entry.crc || size !== entry.size || compressed !== entry.compressedSize) {
    throw damaged(entry, "its header and the directory disagree");
  }
  return data;
}

/** CRC and sizes after the data: with or without a signature, sizes of 32 or 64 bits. */
async function checkDescriptor(buffer: AsyncBuffer, entry: ZipEntry, end: number): Promise<void> {
  const bytes = await readRange(buffer, end, Math.min(end + 24, entry.limit), entry.name);
  const matches = (start: number, wide: boolean): boolean => {
    const cursor = cursorOver(bytes, start);
    if (bytes.length < start + (wide ? 20 : 12) || u32(cursor) !== entry.crc) return false;
    const next = () => (wide ? u64(cursor, `a size of ${entry.name}`) : u32(cursor));
    return next() === entry.compressedSize && next() === entry.size;
  };
  const signed = bytes.length >= 4 && u32(cursorOver(bytes)) === descriptorSignature;
  const start = signed ? 4 : 0;
  if (!matches(start, true) && !matches(start, false)) {
    throw damaged(entry, "the record after its data and the directory disagree");
  }
}
