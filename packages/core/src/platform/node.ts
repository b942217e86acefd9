import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { OnebitError } from "../errors.js";
import type { TransferOptions } from "./fetch.js";

/**
 * Writes beside the target, then renames: the file under its final name is always whole. Data that
 * come in pieces are never in memory together; where they end in an error, nothing is left.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, data);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A whole file; says in words why it cannot be read. */
export async function readFileBytes(
  path: string | URL,
  { progress, signal }: TransferOptions = {},
): Promise<Uint8Array> {
  try {
    const bytes = await readAtOnce(path, signal);
    progress?.(bytes.length, bytes.length);
    return bytes;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!code || code === "ABORT_ERR") throw error;
    const why = REASONS[code] ?? (error as Error).message;
    throw new OnebitError(`${path}: ${why}`, { cause: error });
  }
}

/** With one call where the file's size is known: readFile takes half a megabyte at a time. */
async function readAtOnce(path: string | URL, signal?: AbortSignal): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return bytesRead === size && size > 0 ? bytes : await readFile(path, { signal });
  } finally {
    await file.close();
  }
}

const REASONS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EISDIR: "is a folder, not a file",
  EACCES: "may not be read (permission denied)",
};

/** Bytes behind a file: URL. */
export function readFileAsset(url: URL): Promise<Uint8Array> {
  return readFile(url);
}
