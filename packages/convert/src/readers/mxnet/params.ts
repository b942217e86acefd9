import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import { type AsyncBuffer, readRange } from "../async-buffer.js";
import { type Checkpoint, checkpointOf } from "../checkpoint.js";
import { type Cursor, cursorOver, i32, take, u32, u64, utf8 } from "../cursor.js";
import { bytesPerElement, type DType } from "../dtype.js";
import { elementCount, rowMajor } from "../strided.js";
import { type ByteSource, tensorEntry } from "../tensor-entry.js";

const maxArrays = 20_000;
const maxRank = 32;
const maxNameBytes = 512;
/** Longest record before the elements: magic, storage type, rank, sizes, device, type. */
const recordLimit = 4 + 4 + 4 + 8 * maxRank + 12;
const version1 = 0xf993fac8;
const version2 = 0xf993fac9;
const version3 = 0xf993faca;

const types: readonly (DType | undefined)[] = [
  "float32",
  "float64",
  "float16",
  "uint8",
  "int32",
  "int8",
  "int64",
  "bool",
  "int16",
  "uint16",
  "uint32",
  "uint64",
  "bfloat16",
];

interface ArrayRecord {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly start: number;
  readonly byteLength: number;
}

/**
 * An MXNet `.params` file: magic 0x112, a reserved word, the arrays, then their names (`arg:...`,
 * `aux:...`). Arrays of all versions: the first writes its rank where later ones have a magic number;
 * version 1 widened the sizes to 64 bits, version 2 added the storage type (only dense is read),
 * version 3 NumPy's meaning of rank 0. Without names, arrays are called "0", "1", ...
 *
 * The reader follows the records as MXNet writes them; there is no checksum.
 */
export async function openMxnetParams(buffer: AsyncBuffer): Promise<Checkpoint> {
  const head = cursorOver(await readRange(buffer, 0, 24, "the list of arrays"), 16);
  const count = u64(head, "the number of arrays");
  if (count > maxArrays || count * 4 > buffer.byteLength) {
    throw new OnebitError(`MXNet params: ${count} arrays do not fit in ${buffer.byteLength} bytes`);
  }
  const arrays: ArrayRecord[] = [];
  let offset = head.offset;
  for (let i = 0; i < count; i++) {
    const record = await readRecord(buffer, offset, `array ${i}`);
    arrays.push(record);
    offset = record.start + record.byteLength;
  }
  const names = await readNames(buffer, offset, arrays.length);
  const entries = arrays.map(({ shape, dtype, start, byteLength }, i) => {
    const read = (from: number, to: number) =>
      readRange(buffer, start + from, start + to, names[i]);
    const source: ByteSource = { byteLength, read };
    return tensorEntry([names[i]], { shape, strides: rowMajor(shape), offset: 0, dtype }, source);
  });
  return checkpointOf(buffer, "mxnet-params", entries);
}

async function readRecord(buffer: AsyncBuffer, offset: number, what: string): Promise<ArrayRecord> {
  const end = Math.min(buffer.byteLength, offset + recordLimit);
  const cursor = cursorOver(await readRange(buffer, Math.min(offset, end), end, what));
  const shape = readShape(cursor, what);
  const device = i32(cursor);
  i32(cursor);
  const code = i32(cursor);
  const dtype = types[code];
  if (device < 1 || device > 6 || !dtype) {
    throw new OnebitError(
      `MXNet params: ${what}: device ${device}, element type ${code}: it is damaged`,
    );
  }
  const byteLength = elementCount(shape, what) * bytesPerElement[dtype];
  const start = offset + cursor.offset;
  if (start + byteLength <= buffer.byteLength) return { shape, dtype, start, byteLength };
  throw new OnebitError(
    `MXNet params: ${what}: ${shape.join(" x ")} ${dtype} does not fit in the file: it is truncated or damaged`,
  );
}

function readShape(cursor: Cursor, what: string): number[] {
  const first = u32(cursor);
  const magic = first === version1 || first === version2 || first === version3;
  if ((first === version2 || first === version3) && i32(cursor) !== 0) {
    throw new OnebitError(`MXNet params: ${what} is sparse; only dense arrays are read`);
  }
  const rank = magic ? u32(cursor) : first;
  if (rank > maxRank || (rank === 0 && first !== version3)) {
    throw new OnebitError(`MXNet params: ${what} has rank ${rank}: it is empty or damaged`);
  }
  const size = () => (magic ? u64(cursor, `a size of ${what}`) : u32(cursor));
  return Array.from({ length: rank }, size);
}

async function readNames(buffer: AsyncBuffer, offset: number, arrays: number): Promise<string[]> {
  const room = buffer.byteLength - offset;
  if (room > 8 + arrays * (8 + maxNameBytes)) {
    throw new OnebitError(
      `MXNet params: ${counted(room, "byte")} after the arrays: the file is damaged`,
    );
  }
  const cursor = cursorOver(await readRange(buffer, offset, buffer.byteLength, "the array names"));
  const count = u64(cursor, "the number of names");
  if (count !== 0 && count !== arrays) {
    throw new OnebitError(
      `MXNet params: ${counted(arrays, "array")} but ${counted(count, "name")}: the file is damaged`,
    );
  }
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    names.push(utf8(take(cursor, u64(cursor, "a name's length")), "an array's name"));
  }
  if (cursor.offset !== room) {
    throw new OnebitError("MXNet params: bytes follow the last name: the file is damaged");
  }
  return count > 0 ? names : Array.from({ length: arrays }, (_, i) => String(i));
}
