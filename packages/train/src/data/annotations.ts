import { stat } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { readRegularFile } from "onebit/node";
import type { ClassFolder } from "./class-folders.js";
import { tidyName } from "./class-names.js";
import { imageTree, sortNames } from "./image-tree.js";
import { textOf } from "./labels-file.js";

/** Tiny ImageNet's: "val_0.JPEG<tab>n03444034<tab>0<tab>32...", beside images/. */
const FILE = "val_annotations.txt";

export async function hasAnnotations(folder: string): Promise<boolean> {
  return (await stat(join(folder, FILE)).catch(() => undefined))?.isFile() ?? false;
}

/** Images that lie together, and a file that says the class of each; undefined without that file. */
export async function annotatedClasses(folder: string): Promise<ClassFolder[] | undefined> {
  if (!(await hasAnnotations(folder))) return undefined;
  const path = join(folder, FILE);
  const lines = textOf(await readRegularFile(path), path).split(/\r?\n/);
  const classOf = new Map(
    lines.map((line) => line.split("\t")).map(([file, name]) => [file, name && tidyName(name)]),
  );
  const { files, others } = await imageTree(folder);
  const classes = new Map<string, ClassFolder["files"][number][]>();
  for (const file of files) {
    const name = classOf.get(file.name.split("/").at(-1)!);
    if (!name) throw new OnebitError(`${path}: does not say the class of ${file.path}`);
    classes.set(name, [...(classes.get(name) ?? []), file]);
  }
  return sortNames([...classes.keys()]).map((name, k) => ({
    ...{ name, path: folder, folders: 1, files: classes.get(name)! },
    // The annotations themselves.
    others: k === 0 ? others - 1 : 0,
  }));
}
