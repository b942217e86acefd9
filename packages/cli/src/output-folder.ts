import { readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, UsageError } from "onebit";
import { makeFolder } from "onebit/node";

/**
 * Writes files into a folder that is not there yet, or is empty: all of them, or, where something fails, none.
 * UsageError where it holds something; OnebitError where it cannot be written.
 */
export async function writeFolder(
  folder: string,
  files: { readonly [name: string]: string },
): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    const what = error.code === "ENOTDIR" ? "it is a file" : error.message;
    throw new UsageError(`${folder}: ${what}: name a folder that is not there yet, or is empty`);
  });
  if (found?.length) {
    throw new UsageError(
      `${folder}: has other files in it (${found.slice(0, 3).join(", ")}): name a folder that is not there yet, or is empty`,
    );
  }
  const made = `${folder.replace(/[/\\]+$/, "")}.part-${process.pid}`;
  try {
    await makeFolder(made);
    for (const [name, text] of Object.entries(files)) await writeFile(join(made, name), text);
    if (found) await rmdir(folder);
    await rename(made, folder);
  } catch (cause) {
    await rm(made, { recursive: true, force: true });
    throw new OnebitError(`${folder}: cannot be written: ${(cause as Error).message}`, { cause });
  }
}
