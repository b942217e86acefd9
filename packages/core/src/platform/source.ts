import { classOf, describe } from "../describe.js";
import { OnebitError, UsageError } from "../errors.js";
import { checkStart } from "../file/receive.js";
import { resolveAddress } from "./addresses.js";
import { fetchShared } from "./fetch-shared.js";
import { isNode, isPath } from "./is-node.js";
import type { TransferOptions } from "./transfer.js";
import type { BlobLike, UrlLike } from "./web-types.js";

/** A file in Node, anything that fetch takes, or bytes. */
export type Source =
  | string
  | UrlLike
  | BlobLike
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView;

/**
 * All bytes of a source. Strings are URLs (http:, https:, file:, ...) or, in Node, paths. A view of
 * memory that is given, where it stays as it is.
 */
export async function readSource(
  source: Source,
  options: TransferOptions = {},
): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  const bytes = bytesOf(source);
  if (bytes) return bytes;
  if (isBlob(source)) return readBlob(source);
  if (typeof source !== "string" && classOf(source) !== "URL") {
    const hint = classOf(source) === "Promise" ? ": await it first" : "";
    throw new UsageError(
      `a model is loaded from a path, URL, Blob, ArrayBuffer or Uint8Array, not from ${describe(source)}${hint}`,
    );
  }
  const file = filePath(source as string | UrlLike);
  if (file === undefined) return (await fetchShared(resolveAddress(String(source)), options)).bytes;
  return (await import("#node")).readPackedFile(file, options);
}

function bytesOf(source: Source): Uint8Array | undefined {
  const view = ArrayBuffer.isView(source) ? source : undefined;
  if (!view && !/^(Shared)?ArrayBuffer$/.test(classOf(source))) return undefined;
  const { byteLength } = source as ArrayBuffer;
  if (byteLength === 0) {
    throw new OnebitError("model: no bytes (were they transferred to another thread?)");
  }
  const buffer = (view?.buffer ?? source) as ArrayBuffer;
  return settled(new Uint8Array(buffer, view?.byteOffset, byteLength));
}

/** A copy of memory that other threads write to or that can shrink: much of a platform refuses it. */
function settled(bytes: Uint8Array): Uint8Array {
  const buffer = bytes.buffer as ArrayBuffer & { readonly resizable?: boolean };
  return classOf(buffer) === "ArrayBuffer" && !buffer.resizable ? bytes : Uint8Array.from(bytes);
}

function isBlob(source: unknown): source is BlobLike {
  const blob = source as Partial<BlobLike> | null;
  return typeof blob?.arrayBuffer === "function" && typeof blob.size === "number";
}

async function readBlob(blob: BlobLike): Promise<Uint8Array> {
  try {
    checkStart(new Uint8Array(await blob.slice(0, 4096).arrayBuffer()), blob.size);
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    throw new OnebitError(`model: ${(error as Error).message}`, { cause: error });
  }
}

/** Where a source is a file on disk that can be read here. */
function filePath(source: string | UrlLike): string | URL | undefined {
  const text = String(source);
  if (isNode() && /^file:/i.test(text)) return new URL(text);
  return typeof source === "string" && isPath(text) ? text : undefined;
}

/** Of what is fetched, the address; undefined of bytes, Blobs and files that are read here. */
export function urlOf(source: Source): string | undefined {
  if (typeof source !== "string" && classOf(source) !== "URL") return undefined;
  const text = String(source);
  return filePath(source as string | UrlLike) === undefined ? text : undefined;
}

/** What to call a source in messages. */
export function nameOf(source: Source): string {
  return typeof source === "string" || classOf(source) === "URL" ? String(source) : "model";
}
