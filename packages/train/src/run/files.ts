import { randomBytes } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OnebitError } from "onebit";

const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

/**
 * Writes beside the target, then renames: the file under its final name is always whole, even if
 * the process is killed or the machine stops in between.
 */
export async function writeWhole(path: string, ...chunks: (Uint8Array | string)[]): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      for (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw explain(error, path);
  }
}

/** Removes what a killed process left behind. */
export async function removeTemporaries(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => TEMPORARY.test(name))) {
    await rm(join(folder, name), { force: true });
  }
}

const remedies: { readonly [code: string]: string } = {
  ENOSPC: "the disk is full: free some space",
  EDQUOT: "the disk quota is used up: free some space",
  EROFS: "the file system is read-only: choose another folder",
  EACCES: "permission denied: choose another folder",
  EPERM: "permission denied: choose another folder",
};

/** What a failed write means, and that earlier files are as they were. */
export function explain(error: unknown, path: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (!code) return error as Error;
  const remedy = remedies[code] ?? `${(error as Error).message}`;
  return new OnebitError(
    `cannot write ${path}: ${remedy}. What was saved in ${dirname(path)} before is untouched`,
  );
}
