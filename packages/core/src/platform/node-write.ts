import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsync,
  fsyncSync,
  openSync,
  type Stats,
  write,
} from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { removeOnExit } from "./node-cleanup.js";
import { destinationOf } from "./node-destination.js";

/** What a written file must survive. */
export interface WriteOptions {
  /** Returns only when the disk has the file and its name: it survives a power cut. */
  readonly durable?: boolean;
}

type Data = string | Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Writes beside the target, then renames: the file under its final name is always whole. Data that
 * come in pieces are never in memory together. Nothing is left where they end in an error, or the
 * process by a signal that can be caught.
 *
 * A file that is replaced keeps its mode and, where that is allowed, its owner. Symbolic links stay,
 * what they lead to is replaced; devices, pipes and standard output are written into. Returns the
 * number of bytes. Throws what the system says, with its code.
 */
export async function writeFileAtomic(
  path: string,
  data: Data,
  { durable = false }: WriteOptions = {},
): Promise<number> {
  const destination = destinationOf(path);
  switch (destination.kind) {
    case "file":
      return replace(destination, data, durable);
    case "stream":
      return sendTo(destination.stream, data);
    case "other":
      return writeInto(path, data);
    default:
      return destination satisfies never;
  }
}

async function replace(
  { target, old }: { readonly target: string; readonly old?: Stats },
  data: Data,
  durable: boolean,
): Promise<number> {
  // Renaming would replace a file that is protected from writing.
  if (old) accessSync(target, constants.W_OK);
  const folder = dirname(target);
  const temporary = join(folder, temporaryName(basename(target)));
  const forget = removeOnExit(temporary, { signals: true });
  try {
    const size = await writeNew(temporary, data, old, durable);
    await rename(temporary, target);
    if (durable) syncFolder(folder);
    return size;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    forget();
  }
}

/** Opened at once: a file that appears only after a signal has been answered would stay. */
async function writeNew(
  path: string,
  data: Data,
  old: Stats | undefined,
  durable: boolean,
): Promise<number> {
  const file = openSync(path, "wx");
  try {
    if (old) keepOwnerAndMode(file, old);
    const size = await writeAll((bytes) => writeBytes(file, bytes), data);
    if (durable) await promisify(fsync)(file);
    return size;
  } finally {
    closeSync(file);
  }
}

function keepOwnerAndMode(file: number, { uid, gid, mode }: Stats): void {
  try {
    fchownSync(file, uid, gid);
  } catch {
    // Only root may give files away.
  }
  fchmodSync(file, mode & 0o777);
}

function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Not every system has this.
  }
}

const SUFFIX_BYTES = 17;
/** Names this long have room for the suffix on every file system. */
const SHORT_NAME = 100;

/** Never longer than the name itself where that is long: systems allow 255 bytes, some 143. */
function temporaryName(name: string): string {
  const suffix = `.${randomBytes(6).toString("hex")}.tmp`;
  const bytes = new TextEncoder().encode(name);
  const room = Math.max(SHORT_NAME, bytes.length) - SUFFIX_BYTES;
  // With `stream`, a character that is cut in two is left out.
  return new TextDecoder().decode(bytes.subarray(0, room), { stream: true }) + suffix;
}

/** Without O_CREAT, which systems refuse for pipes of others in shared folders. */
async function writeInto(path: string, data: Data): Promise<number> {
  const file = await open(path, constants.O_WRONLY);
  try {
    return await writeAll((bytes) => writeBytes(file.fd, bytes), data);
  } finally {
    await file.close();
  }
}

async function sendTo(stream: NodeJS.WriteStream, data: Data): Promise<number> {
  const send = (bytes: Uint8Array) =>
    new Promise<void>((done, failed) => {
      stream.write(bytes, (error) => (error ? failed(error) : done()));
    });
  return writeAll(send, data);
}

async function writeAll(put: (bytes: Uint8Array) => Promise<unknown>, data: Data): Promise<number> {
  let size = 0;
  for await (const bytes of pieces(data)) {
    await put(bytes);
    size += bytes.length;
  }
  return size;
}

async function* pieces(data: Data): AsyncIterable<Uint8Array> {
  if (typeof data === "string") yield new TextEncoder().encode(data);
  else if (data instanceof Uint8Array) yield data;
  else yield* data;
}

/** Systems write at most 2 GiB at a time. */
const LARGEST_WRITE = 2 ** 30;

async function writeBytes(file: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes.length - at, LARGEST_WRITE);
    at += await new Promise<number>((done, failed) => {
      write(file, bytes, at, length, null, (error, written) =>
        error ? failed(error) : done(written),
      );
    });
  }
}
