import { basename } from "node:path";
import { OnebitError } from "onebit";
import { listNames, matchNames, tidyName } from "./class-names.js";
import { listEntries, sortNames } from "./image-tree.js";
import { type ClassList, readClassList } from "./labels-file.js";

/** Files beside class folders that name them, the first that is there; in lower case. */
const FILES = [
  ...["classes.txt", "labels.txt", "class_names.txt", "classes.json", "labels.json"],
  ...["class_to_idx.json", "imagenet_class_index.json", "synset_words.txt"],
  ...["loc_synset_mapping.txt", "words.txt"],
];

export interface NamedClasses {
  /** Class folders in the order of the classes. */
  readonly folders: readonly string[];
  /** What the classes are called; the same list where no file says otherwise. */
  readonly names: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Order and names of class folders, from a file beside them. It lists the folders (their order), or
 * gives a name for each (by id, or line k for folder k). `keepAbsent`: classes that the file lists and
 * that have no folder stay, so that numbers are right.
 */
export async function namedClasses(
  folder: string,
  found: readonly string[],
  keepAbsent: boolean,
): Promise<NamedClasses> {
  const entries = await listEntries(folder);
  const [file] = FILES.flatMap((name) => entries.filter((e) => e.name.toLowerCase() === name));
  const asFound = { folders: found, names: found, notes: [] };
  if (!file || file.isFolder) {
    const named = await imagenetNames(found);
    return named ?? { ...asFound, notes: numberNotes(found) };
  }
  const list = await readClassList(file.path);
  const inOrder = arranged(list, found, keepAbsent, file.path);
  if (inOrder) return { ...inOrder, notes: [`classes as ${basename(file.path)} has them`] };
  const isLonger = Math.max(...found.map(Number)) < list.names.length;
  if (found.every((name) => /^\d{1,9}$/.test(name)) && isLonger) {
    const names = found.map((name) => tidyName(list.names[Number(name)]));
    return { folders: found, names, notes: [`class k is line k of ${file.name}, from 0`] };
  }
  const note = `${file.name} names none of the class folders (${listNames(list.names)}): not used`;
  return { ...asFound, notes: [note, ...numberNotes(found)] };
}

/** Of class folders, all of which are WordNet ids of ImageNet's classes. */
export async function imagenetNumbers(
  folders: readonly string[],
): Promise<readonly number[] | undefined> {
  if (!folders.every((name) => /^n\d{8}$/.test(name))) return undefined;
  const { imagenetClasses } = await import("@onebit/convert");
  const numbers = folders.map((id) => imagenetClasses.findIndex(({ synset }) => synset === id));
  return numbers.includes(-1) ? undefined : numbers;
}

async function imagenetNames(folders: readonly string[]): Promise<NamedClasses | undefined> {
  const numbers = await imagenetNumbers(folders);
  if (!numbers) return undefined;
  const { imagenetClasses } = await import("@onebit/convert");
  const names = numbers.map((number) => imagenetClasses[number].name);
  return { folders, names, notes: ["class folders are WordNet ids: named as in ImageNet"] };
}

function arranged(
  { names, ids }: ClassList,
  found: readonly string[],
  keepAbsent: boolean,
  path: string,
): Pick<NamedClasses, "folders" | "names"> | undefined {
  const listed = (ids ?? names).map(tidyName);
  const { numbers } = matchNames(found, listed);
  const unknown = found.filter((_, k) => numbers[k] < 0);
  if (unknown.length === found.length) return undefined;
  if (unknown.length > 0) {
    throw new OnebitError(
      `${path}: does not name ${unknown.length} of ${found.length} class folders: ${listNames(unknown)}. Add them, or remove the file`,
    );
  }
  const folderOf = (number: number) => found[numbers.indexOf(number)];
  // A list of ids may be of all there are in the world.
  const wanted = listed.flatMap((_, n) => ((keepAbsent && !ids) || numbers.includes(n) ? [n] : []));
  const folders = wanted.map((n) => folderOf(n) ?? listed[n]);
  return { folders, names: ids ? wanted.map((n) => tidyName(names[n])) : folders };
}

function numberNotes(found: readonly string[]): string[] {
  const isAsText = sortNames(found).every((name, k) => name === found[k]);
  return isAsText
    ? []
    : [
        "class folders are numbers, in the order of numbers (torchvision sorts them as text: 0, 1, 10, 2)",
      ];
}
