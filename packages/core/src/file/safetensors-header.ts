import { OnebitError } from "../errors.js";

/** Bytes per element of each type that safetensors knows (and onebit can hold). */
export const safetensorsTypes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

/** Element types of safetensors files. */
export type SafetensorsType = keyof typeof safetensorsTypes;

/** Where a tensor lies in the data that follows the header. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: { readonly [key: string]: string };
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}

/** No network has a table this long; a larger one is an attempt to fill the memory. */
export const MAX_HEADER_BYTES = 8 * 2 ** 20;
/** { tensor: { shape: [ ] } } and nothing deeper. */
const MAX_DEPTH = 3;

const METADATA = "__metadata__";

/** A file that is something else, or damaged in its first bytes. */
export class NotSafetensors extends OnebitError {
  /** As many of the first bytes as there were: they may tell what the file is. */
  readonly start: Uint8Array;

  constructor(message: string, prefix: Uint8Array) {
    super(message);
    this.start = prefix.slice(0, 4096);
  }
}

/**
 * Length of the JSON header, from the first bytes (8 or more; a 9th tells more other files) of a file of `fileLength` bytes: Infinity
 * where that is not known yet.
 */
export function headerLength(prefix: Uint8Array, fileLength: number): number {
  if (prefix.length < 8) {
    throw new NotSafetensors("not a safetensors file: shorter than 8 bytes", prefix);
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length < 2 || length > Math.min(MAX_HEADER_BYTES, fileLength - 8)) {
    const size = Number.isFinite(fileLength) ? ` in a file of ${fileLength}` : "";
    const what = `a header of ${length} bytes${size}`;
    throw new NotSafetensors(`not a safetensors file, or cut off: ${what}`, prefix);
  }
  if (prefix.length > 8 && prefix[8] !== OPENING_BRACE) {
    throw new NotSafetensors("not a safetensors file: its header is no JSON object", prefix);
  }
  return length;
}

const OPENING_BRACE = 0x7b;

/** Parses and checks a header: types, shapes, and that the tensors tile `dataLength` bytes. */
export function parseHeader(json: Uint8Array, dataLength: number): SafetensorsHeader {
  const header = parseTable(json);
  checkLength(tiledBytes(header.tensors), dataLength);
  return header;
}

/** What a header says before the data are there: how many bytes of them follow, and the metadata. */
export function announcement(json: Uint8Array) {
  const { metadata, tensors } = parseTable(json);
  return { metadata, dataLength: tiledBytes(tensors) };
}

function parseTable(json: Uint8Array): SafetensorsHeader {
  const text = decode(json);
  scan(text);
  const table = parseObject(text);
  const metadata = parseMetadata(table[METADATA]);
  const entries = Object.entries(table).filter(([key]) => key !== METADATA);
  const tensors = new Map(entries.map(([key, value]) => [key, parseTensor(key, value)]));
  return { metadata, tensors };
}

function decode(json: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw new OnebitError("safetensors header: not UTF-8 text");
  }
}

function parseObject(text: string): { [key: string]: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = (error as Error).message;
    throw new OnebitError(`safetensors header: not JSON (${why}): fetch or copy it again`);
  }
  if (isObject(value)) return value;
  throw new OnebitError("safetensors header: a JSON object is wanted");
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * One pass before JSON.parse: it would keep the last of two equal keys in silence, so that one
 * tensor hides another, and takes seconds for absurdly deep nesting.
 */
function scan(text: string): void {
  const seen: Set<string>[] = [];
  let depth = 0;
  // Regular expressions skip what lies between: nearly the whole header is one string.
  const structure = /["[\]{}]/g;
  while (structure.test(text)) {
    const at = structure.lastIndex - 1;
    const character = text[at];
    if (character === "{") seen.push(new Set());
    if (character === "}") seen.pop();
    if (character === "{" || character === "[") depth++;
    if (character === "}" || character === "]") depth--;
    if (depth > MAX_DEPTH) throw new OnebitError("safetensors header: nested too deeply");
    if (character !== '"') continue;
    const end = endOfString(text, at);
    if (isKey(text, end)) refuseRepeated(text.slice(at, end), seen[seen.length - 1]);
    structure.lastIndex = end;
  }
}

/** A quote behind an even number of backslashes, or none. */
const CLOSING = /(?<!\\)(?:\\\\)*"/g;

/** Index after the closing quote, or the text's end. */
function endOfString(text: string, start: number): number {
  CLOSING.lastIndex = start + 1;
  return CLOSING.test(text) ? CLOSING.lastIndex : text.length;
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++;
  return text[at] === ":";
}

function refuseRepeated(literal: string, keys: Set<string> | undefined): void {
  // Two spellings of one key ("a" and "\u0061") are equal only after decoding.
  const key = literal.includes("\\") ? decodeLiteral(literal) : literal.slice(1, -1);
  if (keys?.has(key)) throw new OnebitError(`safetensors header: "${key}" appears twice`);
  keys?.add(key);
}

function decodeLiteral(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch (error) {
    throw new OnebitError(`safetensors header: not JSON (${(error as Error).message})`);
  }
}

function parseMetadata(value: unknown): { [key: string]: string } {
  if (value === undefined) return {};
  if (isObject(value) && Object.values(value).every((item) => typeof item === "string")) {
    return value as { [key: string]: string };
  }
  throw new OnebitError("safetensors header: __metadata__ must map names to strings");
}

function parseTensor(key: string, value: unknown): SafetensorsTensor {
  const fail = (what: string) => new OnebitError(`safetensors header, tensor "${key}": ${what}`);
  if (!isObject(value)) throw fail("must be an object");
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(safetensorsTypes, dtype)) {
    const known = Object.keys(safetensorsTypes).join(", ");
    const shown = typeof dtype === "string" ? `"${dtype}"` : `of ${typeof dtype}`;
    throw fail(`type ${shown} is unknown; known: ${known}`);
  }
  if (!isSizes(shape)) throw fail("shape must be a list of whole numbers");
  if (!isSizes(offsets) || offsets.length !== 2) throw fail("data_offsets must be [start, end]");
  const [start, end] = offsets;
  const bytes = shape.reduce((n, dim) => n * dim, safetensorsTypes[dtype as SafetensorsType]);
  if (end - start !== bytes) {
    throw fail(`[${shape}] of ${dtype} takes ${bytes} bytes, the offsets give ${end - start}`);
  }
  return { dtype: dtype as SafetensorsType, shape, start, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** The bytes that tensors take together: the format allows no gap and no overlap. */
function tiledBytes(tensors: ReadonlyMap<string, SafetensorsTensor>): number {
  const ordered = [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let at = 0;
  for (const [key, { start, end }] of ordered) {
    if (start !== at) {
      const what = start < at ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new OnebitError(`safetensors header, tensor "${key}": starts at ${start}, ${what}`);
    }
    at = end;
  }
  return at;
}

/** Nothing may be missing, and nothing follow the last tensor. */
function checkLength(wanted: number, dataLength: number): void {
  if (dataLength === wanted) return;
  const what =
    dataLength < wanted
      ? `${wanted - dataLength} of ${wanted} bytes of data are missing: it was cut off; fetch or copy it again`
      : `has ${dataLength} bytes of data, its tensors take ${wanted}: damaged, or two files in one`;
  throw new OnebitError(`safetensors file: ${what}`);
}
