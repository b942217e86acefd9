/**
 * Files in Node: read whole or as far as a header says, written whole or not at all.
 *
 * ```ts
 * import { writeFileAtomic } from "onebit/node";
 *
 * await writeFileAtomic("notes.txt", "whole, or not there");
 * ```
 *
 * @module onebit/node
 */

import { constants } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { OnebitError } from "../errors.js";
import { checkStart, Receiver } from "../file/receive.js";
import { DEFAULT_TIMEOUT, type TransferOptions } from "./transfer.js";
import type { SignalLike, UrlLike } from "./web-types.js";

export { removeOnExit, removeUnfinished, withTemporaryFolder } from "./node-cleanup.js";
export { makeFolder } from "./node-folder.js";
export { isStandardOutput } from "./node-standard-output.js";
export { cacheFolder, folderStore } from "./node-store.js";
export { type WriteOptions, writeFileAtomic } from "./node-write.js";
export { checkRegularFile, readRegularFile, unreadable } from "./regular-file.js";

/** A whole file; says in words why it cannot be read. */
export async function readFileBytes(path: string | UrlLike): Promise<Uint8Array> {
  return inWords(path, () => readFile(path as string | URL));
}

/**
 * A packed file, as much of it as its header says; says in words why it cannot be read. Where the
 * path is a pipe, it may be silent for as long as `timeout`.
 */
export async function readPackedFile(
  path: string | UrlLike,
  options: TransferOptions = {},
): Promise<Uint8Array> {
  const { signal } = options;
  signal?.throwIfAborted();
  // A pipe that nobody writes to would keep a thread for ever.
  const opening = () =>
    open(path as string | URL, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const read = async () => {
    const file = await opening();
    try {
      return await readOpened(file, options);
    } finally {
      await file.close();
    }
  };
  return inWords(path, read, signal);
}

async function readOpened(file: FileHandle, options: TransferOptions): Promise<Uint8Array> {
  const stat = await file.stat();
  if (!stat.isFile() || stat.size === 0) {
    return readStream(file, { ...options, waits: stat.isFIFO() });
  }
  const bytes = await readSized(file, stat.size, options.signal);
  options.progress?.(bytes.length, bytes.length);
  return bytes;
}

/** Failures named and in words; the signal's reason where it is aborted. */
async function inWords<T>(
  path: string | UrlLike,
  work: () => Promise<T>,
  signal?: SignalLike,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (!code && !(error instanceof OnebitError) && !(error instanceof RangeError)) throw error;
    const why = (code && REASONS[code]) ?? (error as Error).message;
    throw new OnebitError(`${path}: ${why}`, { cause: error });
  }
}

/** Enough to tell what a file is. */
const START_BYTES = 4096;
/** No system reads 2 GiB at once. */
const MOST_AT_ONCE = 2 ** 30;

/** With one call where it can be: readFile takes half a megabyte at a time. */
async function readSized(
  file: FileHandle,
  size: number,
  signal: SignalLike | undefined,
): Promise<Uint8Array> {
  const start = Buffer.alloc(Math.min(START_BYTES, size));
  await file.read(start, 0, start.length, 0);
  checkStart(start, size);
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(bytes, at, Math.min(size - at, MOST_AT_ONCE), at);
    if (bytesRead === 0) throw new OnebitError("became shorter while it was read: read it again");
    at += bytesRead;
  }
  return bytes;
}

const PIECE_BYTES = 2 ** 16;
/** How long to wait before asking again whether there is something to read. */
const PAUSE_MS = 10;

/** What has no size of its own: a pipe, a device, a file that the system makes up. */
async function readStream(
  file: FileHandle,
  {
    progress,
    signal,
    timeout = DEFAULT_TIMEOUT,
    waits,
  }: TransferOptions & { readonly waits: boolean },
): Promise<Uint8Array> {
  const receiver = new Receiver();
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (let heard = performance.now(); ; ) {
    signal?.throwIfAborted();
    const read = await readNow(file, piece);
    if (read > 0) {
      receiver.add(piece.subarray(0, read));
      progress?.(receiver.length, receiver.total);
      heard = performance.now();
      continue;
    }
    // Before the first writer comes, a pipe is at its end as well.
    if (read === 0 && (!waits || receiver.length > 0)) return receiver.end();
    if (performance.now() - heard > timeout) {
      throw new OnebitError(`nothing has arrived for ${timeout / 1000} s (option timeout)`);
    }
    await setTimeout(PAUSE_MS);
  }
}

/** Bytes read, 0 at the end, -1 where there are none yet. */
async function readNow(file: FileHandle, piece: Uint8Array): Promise<number> {
  try {
    return (await file.read(piece, 0, piece.length, null)).bytesRead;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return -1;
    throw error;
  }
}

const REASONS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EISDIR: "is a folder, not a file",
  EACCES: "may not be read (permission denied)",
};

/** Bytes behind a file: URL. */
export function readFileAsset(url: UrlLike): Promise<Uint8Array> {
  return readFile(url as URL);
}
