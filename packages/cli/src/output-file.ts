import { dirname } from "node:path";
import { OnebitError } from "onebit";
import { writeFileAtomic } from "onebit/node";

/** Whole under its final name, or not at all; a failure says what to do about it. */
export async function writeOutput(
  path: string,
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    await writeFileAtomic(path, data);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code) throw error;
    throw new OnebitError(`cannot write ${path}: ${remedies[code]?.(path) ?? message}`, {
      cause: error,
    });
  }
}

const elsewhere = "choose another place";

const remedies: { readonly [code: string]: (path: string) => string } = {
  ENOENT: (path) => `there is no folder ${dirname(path)}: create it first`,
  ENOTDIR: (path) => `${dirname(path)} is not a folder: ${elsewhere}`,
  EISDIR: () => "it is a folder: name a file in it",
  EACCES: () => `permission denied: ${elsewhere}`,
  EPERM: () => `permission denied: ${elsewhere}`,
  EROFS: () => `the file system is read-only: ${elsewhere}`,
  ENOSPC: () => "the disk is full: free some space",
  EDQUOT: () => "the disk quota is used up: free some space",
};
