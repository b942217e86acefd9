import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * A folder with those above it, as far as they are missing; the first that was made. Node's `recursive` asks for ever
 * where the system makes no folders, as in /proc: here that is an error of mkdir's.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let at = resolve(path); !(await infoOf(at)); at = dirname(at)) missing.unshift(at);
  for (const folder of missing.length > 0 ? missing : [path]) {
    await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST" || !(await infoOf(folder))?.isDirectory()) throw error;
    });
  }
  return missing[0];
}

const infoOf = (path: string) => stat(path).catch(() => undefined);
