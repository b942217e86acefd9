import { UsageError } from "../errors.js";
import type { TransferOptions } from "./fetch.js";

/** A file in Node, anything that fetch takes, or bytes. */
export type Source = string | URL | Blob | ArrayBuffer | Uint8Array;

/** All bytes of a source. Strings are URLs (http:, https:, file:, ...) or, in Node, paths. */
export async function readSource(
  source: Source,
  options: TransferOptions = {},
): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new UsageError("a model is loaded from a path, URL, Blob, ArrayBuffer or Uint8Array");
  }
  const file = filePath(source);
  if (file === undefined) return (await import("./fetch.js")).fetchBytes(source, options);
  const { readFileBytes } = await import("./node.js");
  return readFileBytes(file, options);
}

/** Where a source is a file on disk. One letter before the colon is a drive, not a scheme. */
function filePath(source: string | URL): string | URL | undefined {
  const text = String(source);
  if (/^file:/i.test(text)) return new URL(text);
  if (source instanceof URL || /^[a-z][a-z0-9+.-]+:/i.test(text) || !isNode()) return undefined;
  return text;
}

function isNode(): boolean {
  return typeof process !== "undefined" && process.versions?.node !== undefined;
}

/** What to call a source in messages. */
export function nameOf(source: Source): string {
  if (typeof source === "string" || source instanceof URL) return String(source);
  return "model";
}
