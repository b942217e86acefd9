import { readFile, stat } from "node:fs/promises";
import { OnebitError } from "../errors.js";

/** The whole file; an error names it. What could be waited for for ever is no file. */
export async function readRegularFile(path: string): Promise<Uint8Array> {
  try {
    await checkRegularFile(path);
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** OnebitError where it is a folder, a pipe or a device. */
export async function checkRegularFile(path: string): Promise<void> {
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

/** In words, why a file cannot be read. */
export function unreadable(path: string, error: unknown): OnebitError {
  if (error instanceof OnebitError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const why = REASONS[code] ? `${REASONS[code]}` : code || message;
  return new OnebitError(`${path}: cannot be read (${why})`);
}
