import { stat } from "node:fs/promises";
import { imageTree } from "@onebit/train/data";
import { OnebitError, UsageError } from "onebit";
import { IMAGE_EXTENSIONS } from "onebit/images";

/** Files as they are; folders as the pictures in them and below (sorted, none that are hidden), as `train` reads them. */
export async function photographs(inputs: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const input of inputs) {
    const info = await stat(input).catch(() => undefined);
    if (!info) throw new UsageError(`${input}: no such file or folder`);
    if (!info.isDirectory()) {
      found.push(input);
      continue;
    }
    const { files } = await imageTree(input);
    if (!files.length) {
      throw new OnebitError(`${input}: no pictures in it (${IMAGE_EXTENSIONS.join(", ")})`);
    }
    found.push(...files.map(({ path }) => path));
  }
  return found;
}
