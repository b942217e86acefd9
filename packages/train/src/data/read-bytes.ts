import { readFile, stat } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { OnebitError } from "onebit";

/** The whole file; an error names it. What could be waited for for ever is no file. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    await checkFile(path);
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The same, unpacked where its first bytes say gzip; at most `limit` bytes. */
export async function readUnpacked(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ERR_BUFFER_TOO_LARGE" ? `unpacks to more than ${limit} bytes` : `gzip: ${message}`;
    throw new OnebitError(`${path}: ${why}: download it again`);
  }
}

export async function checkFile(path: string): Promise<void> {
  const info = await stat(path);
  // A pipe of the shell, <(...), has somebody who writes into it.
  const isPipe = info.isFIFO() && /^\/(dev|proc)\//.test(path);
  if (info.isFile() || isPipe) return;
  const what = info.isDirectory() ? "a folder" : info.isFIFO() ? "a named pipe" : "a device";
  throw new OnebitError(`${path}: is ${what}, not a file`);
}

const REASONS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  ELOOP: "links that lead in a circle",
};

export function unreadable(path: string, error: unknown): OnebitError {
  if (error instanceof OnebitError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const why = REASONS[code] ? `${REASONS[code]}` : code || message;
  return new OnebitError(`${path}: cannot be read (${why})`);
}
