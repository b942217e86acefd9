import { OnebitError } from "onebit";
import { type AsyncBuffer, readRange } from "./async-buffer.js";
import { type Checkpoint, checkpointOf, type MetadataValue } from "./checkpoint.js";
import { cursorOver, u64, utf8 } from "./cursor.js";
import { bytesPerElement, type DType } from "./dtype.js";
import { parseStrictJson } from "./strict-json.js";
import { elementCount, rowMajor } from "./strided.js";
import { type ByteSource, type TensorEntry, tensorEntry } from "./tensor-entry.js";
import { checkName, printable } from "./text.js";

const maxHeaderBytes = 8 * 2 ** 20;

const types: ReadonlyMap<unknown, DType> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);

interface Region {
  readonly key: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/**
 * A safetensors file: header length (64 bits), JSON header, data. Tensors lie one behind the other:
 * overlaps, holes and bytes that belong to nothing are refused, as are keys that occur twice.
 */
export async function openSafetensors(buffer: AsyncBuffer): Promise<Checkpoint> {
  const length = u64(
    cursorOver(await readRange(buffer, 0, 8, "the header length")),
    "header length",
  );
  if (length > maxHeaderBytes) {
    throw new OnebitError(
      `safetensors: a header of ${length} bytes, at most ${maxHeaderBytes} are read`,
    );
  }
  const dataStart = 8 + length;
  const header = parseHeader(await readRange(buffer, 8, dataStart, "the safetensors header"));
  const regions: Region[] = [];
  let metadata = new Map<string, MetadataValue>();
  for (const [key, value] of header) {
    if (key === "__metadata__") metadata = parseMetadata(value);
    else regions.push(parseRegion(key, value));
  }
  checkRegions(regions, buffer.byteLength - dataStart);
  const entries = regions.map((region) => entryOf(buffer, region, dataStart));
  return checkpointOf(buffer, "safetensors", entries, { metadata });
}

function parseHeader(bytes: Uint8Array): [string, unknown][] {
  const text = utf8(bytes, "the safetensors header");
  const header = parseStrictJson(text, "the safetensors header");
  if (text.startsWith("{") && typeof header === "object" && header !== null) {
    return Object.entries(header);
  }
  throw new OnebitError("safetensors: the header is no JSON object: the file is damaged");
}

function parseMetadata(value: unknown): Map<string, MetadataValue> {
  const pairs = typeof value === "object" && value !== null ? Object.entries(value) : undefined;
  if (!pairs?.every(([, text]) => typeof text === "string")) {
    throw new OnebitError("safetensors: __metadata__ must hold texts only");
  }
  for (const [key] of pairs) checkName(key, "a metadata entry");
  return new Map(pairs);
}

function parseRegion(key: string, value: unknown): Region {
  const what = `safetensors: ${printable(key)}`;
  const record = typeof value === "object" && value !== null ? value : {};
  const { dtype: type, shape, data_offsets: range, ...rest } = record as Record<string, unknown>;
  const dtype = types.get(type);
  if (!isSizes(shape) || !isSizes(range) || range.length !== 2 || Object.keys(rest).length > 0) {
    throw new OnebitError(`${what} needs dtype, shape and data_offsets: the header is damaged`);
  }
  if (!dtype)
    throw new OnebitError(`${what} has elements of type ${printable(String(type))}: not read`);
  const [start, end] = range;
  const size = elementCount(shape, what) * bytesPerElement[dtype];
  if (end - start === size) return { key, dtype, shape, start, end };
  throw new OnebitError(
    `${what}: ${shape.join(" x ")} ${dtype} takes ${size} bytes, its range has ${end - start}`,
  );
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkRegions(regions: readonly Region[], available: number): void {
  let end = 0;
  for (const region of regions.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (region.start !== end) {
      throw new OnebitError(
        `safetensors: ${printable(region.key)} begins at ${region.start}, the tensor before it ends at ${end}`,
      );
    }
    end = region.end;
  }
  if (end === available) return;
  throw new OnebitError(
    `safetensors: the tensors take ${end} bytes, the file has ${available}: it is truncated or damaged, fetch it again`,
  );
}

function entryOf(buffer: AsyncBuffer, region: Region, dataStart: number): TensorEntry {
  const { key, dtype, shape, start, end } = region;
  const source: ByteSource = {
    byteLength: end - start,
    read: (from, to) =>
      readRange(buffer, dataStart + start + from, dataStart + start + to, printable(key)),
  };
  return tensorEntry([key], { shape, strides: rowMajor(shape), offset: 0, dtype }, source);
}
