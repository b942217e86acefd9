import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { isPicture } from "onebit/images";

/** What lies in a folder, links followed; hidden files and leavings of systems do not count. */
export interface Entry {
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
  /** Of a folder: which it is, whatever its name. */
  readonly identity: string;
}

/** Written by Windows, by zip on a Mac, by a Synology disk; names in lower case. */
const LEAVINGS = new Set([
  ...["thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"],
  ...["__macosx", "@eadir", "lost+found"],
]);

/** No tree of images is deeper. */
const DEEPEST = 32;

/** Hidden files: .DS_Store, .git, and the ._NAME that a Mac puts beside NAME on other disks. */
export function isIgnored(name: string): boolean {
  return name.startsWith(".") || LEAVINGS.has(name.toLowerCase());
}

/** A link to nowhere counts as a file: whoever reads it says so. */
export async function listEntries(folder: string): Promise<Entry[]> {
  const found = (await readFolder(folder)).filter(({ name }) => !isIgnored(name));
  const entries = new Map(found.map((entry) => [entry.name, entry]));
  return Promise.all(
    sortNames([...entries.keys()]).map(async (name) => {
      const path = join(folder, name);
      // Most are plain files, and there may be a million.
      if (entries.get(name)?.isFile()) return { name, path, isFolder: false, identity: path };
      const info = await stat(path).catch(() => undefined);
      const identity = info ? identityOf(info) : path;
      return { name, path, isFolder: info?.isDirectory() ?? false, identity };
    }),
  );
}

/** By code units, not by locale: labels must not depend on the machine. */
export function sortNames(names: readonly string[]): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : Number(a > b)));
}

/** Image files in a folder and below: paths, and names relative to the folder with "/" between. */
export interface ImageTree {
  readonly files: readonly { readonly path: string; readonly name: string }[];
  /** How many other files there are. */
  readonly others: number;
}

/** A link that leads back to a folder around it, or to one of `outside`, is not followed. */
export async function imageTree(
  folder: string,
  outside: readonly string[] = [],
): Promise<ImageTree> {
  const files: { path: string; name: string }[] = [];
  let others = 0;
  const walk = async (at: string, prefix: string, around: readonly string[]): Promise<void> => {
    for (const { name, path, isFolder, identity } of await listEntries(at)) {
      const known = `${prefix}${name}`.normalize("NFC");
      if (!isFolder) {
        if (isPicture(name)) files.push({ path, name: known });
        else others++;
      } else if (!around.includes(identity) && around.length < DEEPEST) {
        await walk(path, `${known}/`, [...around, identity]);
      } else others++;
    }
  };
  await walk(folder, "", [...outside, identityOf(await stat(folder))]);
  return { files, others };
}

/** The same for all names of a folder. */
export function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

async function readFolder(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "EACCES" ? "permission denied" : (error.code ?? error.message);
    throw new OnebitError(`${folder}: cannot be listed (${why})`);
  });
}
