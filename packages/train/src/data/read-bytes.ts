import { readFile } from "node:fs/promises";
import { OnebitError } from "onebit";

/** The whole file; an error names it. */
export async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new OnebitError(`${path}: cannot be read (${error.code ?? error.message})`);
  });
}
