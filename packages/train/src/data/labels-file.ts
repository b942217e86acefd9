import { OnebitError } from "onebit";
import { fileKind, KIND_BYTES } from "onebit/file";
import { readRegularFile } from "onebit/node";
import { counted } from "onebit/words";

/** Names of classes in their order; `ids` where the file has others too, such as WordNet's. */
export interface ClassList {
  readonly names: readonly string[];
  readonly ids?: readonly string[];
}

/**
 * A file that names classes, in UTF-8 or UTF-16.
 *
 *   text   one name per line; numbered from 0 or 1 ("0 cat", "0: 'cat',"), or behind an id
 *          ("n01440764 tench", or a tab between)
 *   JSON   ["a", "b"] · {"0": "a"} · {"0": ["n01440764", "tench"]} · {"a": 0} · {"id2label": {...}}
 *
 * OnebitError where it is none of these.
 */
export async function readClassList(path: string): Promise<ClassList> {
  const bytes = await readRegularFile(path);
  const text = textOf(bytes, path);
  const isPage = /^\s*<(!doctype|html)/i.test(text);
  if (isPage || fileKind(bytes.subarray(0, KIND_BYTES)) === "lfs") {
    const what = isPage ? "a web page" : "a Git LFS pointer (run `git lfs pull`)";
    throw new OnebitError(`${path}: is ${what}, not a list of names`);
  }
  const isJson = /\.json$/i.test(path) || (/^\s*[[{]/.test(text) && isParsed(text));
  const list = isJson ? ofJson(parseJson(text, path), path) : ofLines(linesOf(text), path);
  if (list.names.length > 0) return list;
  throw new OnebitError(`${path}: names no classes`);
}

/** By its byte order mark, or by zero bytes, which no text in UTF-8 has. */
export function textOf(bytes: Uint8Array, path: string): string {
  const zeros = (parity: number) =>
    bytes.subarray(0, 512).filter((byte, i) => byte === 0 && i % 2 === parity).length;
  const [first, second] = bytes;
  const isBig = (first === 0xfe && second === 0xff) || (zeros(0) > 0 && zeros(1) === 0);
  const isLittle = (first === 0xff && second === 0xfe) || (zeros(1) > 0 && zeros(0) === 0);
  const encoding = isBig ? "utf-16be" : isLittle ? "utf-16le" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new OnebitError(`${path}: is no text in UTF-8 or UTF-16: save it as UTF-8`);
  }
}

/** Trimmed; empty lines at the end are none. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim());
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

function ofLines(lines: readonly string[], path: string): ClassList {
  const empty = lines.indexOf("");
  if (empty >= 0) {
    throw new OnebitError(`${path}: line ${empty + 1} is empty: one name per line is wanted`);
  }
  return ofIds(lines) ?? { names: numbered(lines) ?? lines };
}

/** "n01440764 tench, Tinca tinca", or "id<tab>name" in every line. */
function ofIds(lines: readonly string[]): ClassList | undefined {
  const parts = lines.map((line) => /^(n\d{8})[\s,:]+(.+)$|^([^\t]+)\t([^\t]+)$/.exec(line));
  const ids = parts.map((part) => part?.[1] ?? part?.[3]?.trim());
  const names = parts.map((part) => part?.[2] ?? part?.[4]?.trim());
  const isWhole = (list: (string | undefined)[]): list is string[] => !list.includes(undefined);
  if (!isWhole(ids) || !isWhole(names) || counts(ids)) return undefined;
  return { ids, names };
}

/** Names behind their numbers, also as Python prints a dict: "{0: 'tench',". */
function numbered(lines: readonly string[]): string[] | undefined {
  const parts = lines.map((line) => /^\{?\s*(\d+)\s*[:.,\s]\s*(.+?)\s*[,}]*$/.exec(line));
  if (!counts(parts.map((part) => part?.[1]))) return undefined;
  const names = parts.map((part) => part![2].replace(/^(["'])(.*)\1$/, "$2"));
  // "1 euro", "2 euro" are names.
  return new Set(names).size > names.length / 2 ? names : undefined;
}

/** 0, 1, 2, ... or 1, 2, 3, ... */
function counts(numbers: readonly (string | undefined)[]): boolean {
  const first = Number(numbers[0]);
  return (
    (first === 0 || first === 1) && numbers.every((n, i) => n !== "" && Number(n) === first + i)
  );
}

function ofJson(value: unknown, path: string): ClassList {
  const wrong = new OnebitError(
    `${path}: a list of names, {"0": "name"}, {"0": ["id", "name"]} or {"name": 0} is wanted`,
  );
  if (typeof value !== "object" || value === null) throw wrong;
  if ("id2label" in value) return ofJson(value.id2label, path);
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  const isByName = entries.every(([, number]) => Number.isInteger(number));
  const pairs = isByName ? entries.map(([name, number]) => [number, name]) : entries;
  const items = new Array<unknown>(pairs.length).fill(undefined);
  const first = pairs.some(([number]) => Number(number) === 0) ? 0 : 1;
  for (const [number, item] of pairs)
    items[checkedNumber(number, first, pairs.length, path)] = item;
  const missing = items.indexOf(undefined);
  if (missing >= 0) throw new OnebitError(`${path}: class ${missing} has no name`);
  if (items.every((item) => typeof item === "string")) return { names: items };
  if (!items.every(isIdAndName)) throw wrong;
  return { ids: items.map(([id]) => id), names: items.map(([, name]) => name) };
}

function checkedNumber(number: unknown, first: number, count: number, path: string): number {
  const value = typeof number === "string" && /^\d+$/.test(number) ? Number(number) : number;
  if (typeof value === "number" && value >= first && value < count + first) return value - first;
  throw new OnebitError(
    `${path}: ${JSON.stringify(number)} is no number of one of its ${counted(count, "class")} (from 0 or 1)`,
  );
}

function isIdAndName(item: unknown): item is [string, string] {
  return Array.isArray(item) && item.length === 2 && item.every((x) => typeof x === "string");
}

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OnebitError(`${path}: not JSON (${(error as Error).message})`);
  }
}
