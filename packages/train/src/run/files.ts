import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OnebitError } from "onebit";
import { writeFileAtomic } from "onebit/node";

/** Names that writeFileAtomic gives to files that are not whole yet. */
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

/**
 * Whole under its final name, or not at all, also after a power cut; a failure says what to do about
 * it.
 */
export async function writeWhole(path: string, data: Uint8Array | string): Promise<void> {
  await writeFileAtomic(path, data, { durable: true }).catch((error) => {
    throw explain(error, path);
  });
}

/** Removes what a killed process left behind; of a folder that others write into only what is `age` ms old. */
export async function removeTemporaries(folder: string, age = 0): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => TEMPORARY.test(name))) {
    const path = join(folder, name);
    const info = age ? await stat(path).catch(() => undefined) : undefined;
    if (info && Date.now() - info.mtimeMs < age) continue;
    await rm(path, { force: true });
  }
}

const remedies: { readonly [code: string]: string } = {
  ENOSPC: "the disk is full: free some space",
  EDQUOT: "the disk quota is used up: free some space",
  EEXIST: "it is a file, and a folder is wanted: choose another name",
  ENOENT: "the folder that it lies in is gone: choose another folder",
  ENOTDIR: "a part of the path is a file: choose another folder",
  EROFS: "the file system is read-only: choose another folder",
  EACCES: "permission denied: choose another folder",
  EPERM: "permission denied: choose another folder",
};

/** What a failed write means, and that earlier files are as they were. */
export function explain(error: unknown, path: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (!code || error instanceof OnebitError) return error as Error;
  const remedy = remedies[code] ?? `${(error as Error).message}`;
  return new OnebitError(
    `cannot write ${path}: ${remedy}. What was saved in ${dirname(path)} before is untouched`,
    { cause: error },
  );
}
