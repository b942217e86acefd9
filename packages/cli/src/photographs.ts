import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isIgnored } from "@onebit/train/data";
import { OnebitError, UsageError } from "onebit";
import { IMAGE_EXTENSIONS, isPicture } from "onebit/images";

/** Files as they are, folders as the pictures in them (sorted, not deeper, none that are hidden). */
export async function photographs(inputs: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const input of inputs) {
    const info = await stat(input).catch(() => undefined);
    if (!info) throw new UsageError(`${input}: no such file or folder`);
    if (!info.isDirectory()) {
      found.push(input);
      continue;
    }
    const names = (await readdir(input, { withFileTypes: true }))
      .filter((entry) => !entry.isDirectory() && !isIgnored(entry.name) && isPicture(entry.name))
      .map(({ name }) => name);
    if (!names.length) {
      throw new OnebitError(`${input}: no pictures in it (${IMAGE_EXTENSIONS.join(", ")})`);
    }
    found.push(...names.sort().map((name) => join(input, name)));
  }
  return found;
}
