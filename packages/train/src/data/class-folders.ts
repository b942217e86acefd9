import { stat } from "node:fs/promises";
import { OnebitError } from "onebit";
import { IMAGE_EXTENSIONS, isPicture } from "onebit/images";
import { matchNames, tidyName } from "./class-names.js";
import { type ImageTree, identityOf, imageTree, listEntries, sortNames } from "./image-tree.js";

/** The images of one class, sorted, in its folder and below. */
export interface ClassFolder extends ImageTree {
  /** In composed characters, whatever the disk has. */
  readonly name: string;
  readonly path: string;
  /** How many folders have this name, written in other bytes. */
  readonly folders: number;
}

/**
 * The class folders in a folder: numbers in the order of numbers, other names by their code units.
 * `empty` says what becomes of one without images.
 */
export async function classFolders(
  folder: string,
  empty: "refuse" | "skip" | "keep",
): Promise<ClassFolder[]> {
  const entries = (await listEntries(folder)).filter((entry) => entry.isFolder);
  if (entries.length === 0) {
    throw new OnebitError(
      `${folder}: has no class folders: put the images of each class into a folder of its name`,
    );
  }
  const classes = new Map<string, ClassFolder>();
  const own = identityOf(await stat(folder));
  for (const { name: stored, path, identity } of entries) {
    if (identity === own) {
      throw new OnebitError(`${path}: is a link to the folder that it lies in: remove it`);
    }
    const tree = await imageTree(path, [own]);
    const name = tidyName(stored);
    const before = classes.get(name);
    if (tree.files.length === 0 && empty === "skip") continue;
    if (tree.files.length === 0 && empty === "refuse") {
      throw new OnebitError(
        `${path}: holds no images (${IMAGE_EXTENSIONS.join(", ")}): add some or remove the folder`,
      );
    }
    classes.set(name, {
      ...{ name, path: before?.path ?? path, folders: (before?.folders ?? 0) + 1 },
      files: [...(before?.files ?? []), ...tree.files],
      others: (before?.others ?? 0) + tree.others,
    });
  }
  return sortClasses([...classes.keys()]).map((name) => classes.get(name)!);
}

/** 0, 1, 2, ..., 10 where all names are numbers: sorted as text, 10 would come before 2. */
function sortClasses(names: readonly string[]): string[] {
  const sorted = sortNames(names);
  if (!sorted.every((name) => /^\d{1,15}$/.test(name))) return sorted;
  return sorted.sort((a, b) => Number(a) - Number(b));
}

/** What folders of unlabelled images are called, in lower case. */
const UNLABELLED = new Set(
  [
    "images",
    "image",
    "imgs",
    "img",
    "unknown",
    "unlabelled",
    "unlabeled",
    "all",
    "all_images",
  ].concat(["test", "test1", "data", "0"]),
);

/** Whether there are folders of classes in it, not just images, or one folder of images. */
export async function holdsClasses(
  folder: string,
  known: readonly string[] = [],
): Promise<boolean> {
  const entries = (await listEntries(folder)).filter((entry) => entry.isFolder);
  const names = entries.map(({ name }) => name);
  const isPlain = names.length === 1 && UNLABELLED.has(names[0].toLowerCase());
  if (isPlain && matchNames(names, known).numbers[0] < 0) return false;
  for (const { path } of entries) if ((await imageTree(path)).files.length > 0) return true;
  return false;
}

/** How many images lie in the folder itself. */
export async function looseImages(folder: string): Promise<number> {
  return (await listEntries(folder)).filter((e) => !e.isFolder && isPicture(e.name)).length;
}
