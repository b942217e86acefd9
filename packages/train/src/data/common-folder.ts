import { dirname, relative, sep } from "node:path";
import type { Split } from "./split.js";

/** The innermost folder that holds all images of a split of files. */
export function commonFolder(split: Split): string {
  let folder = dirname(split.source(0));
  for (let i = 1; i < split.length; i++) {
    while (!isInside(split.source(i), folder) && folder !== dirname(folder)) {
      folder = dirname(folder);
    }
  }
  return folder;
}

/** Both absolute, or both relative to the same folder. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`);
}
