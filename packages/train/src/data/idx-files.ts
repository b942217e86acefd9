import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, UsageError } from "onebit";
import { shellWord } from "onebit/words";

/** The four files of a set in MNIST's format. */
export interface IdxFiles {
  /** What their names begin with: "" for MNIST's own, "emnist-letters". */
  readonly prefix: string;
  readonly paths: { readonly [role in TestRole]: string } & {
    readonly [role in TrainRole]?: string;
  };
}

type TrainRole = "trainImages" | "trainLabels";
type TestRole = "testImages" | "testLabels";
type Role = TrainRole | TestRole;

const EXAMPLES: { readonly [role in Role]: string } = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
};

const NAME =
  /^(?:(.*)[-_.])?(train|t10k|test)[-_.]?(images|labels)[-_.]?idx([134])[-_.]ubyte(?:\.gz)?$/i;

/**
 * The files of one set in a folder. Names begin as they like, in any case. Where there are several
 * sets, `prefix` says which; without it MNIST's own names are meant. Test files alone are enough.
 */
export async function findIdxFiles(
  folder: string,
  prefix?: string,
): Promise<IdxFiles & { readonly notes: readonly string[] }> {
  // A plain file sorts before its gzipped copy.
  const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  const sets = setsOf(names);
  const known = [...sets.keys()].map((p) => shellWord(`idx:${join(folder, p)}`));
  const all = known.join(", ");
  if (prefix !== undefined && !sets.has(prefix)) {
    throw new UsageError(
      `there is no folder ${join(folder, prefix)}, and no set of that name in ${folder}${all && `; there are ${all}`}`,
    );
  }
  if (sets.size === 0) throw await nothingFound(folder, names);
  const wanted = prefix ?? (sets.size === 1 ? [...sets.keys()][0] : "");
  const files = sets.get(wanted);
  if (!files) {
    throw new OnebitError(`${folder}: holds several sets, say which: ${all}`);
  }
  const isTestOnly = !files.trainImages && !files.trainLabels;
  for (const role of Object.keys(EXAMPLES) as Role[]) {
    if (files[role] !== undefined || (isTestOnly && role.startsWith("train"))) continue;
    const name = `${wanted && `${wanted}-`}${EXAMPLES[role]}`;
    throw new OnebitError(
      `${folder}: ${name}(.gz) is missing: an idx folder needs images and labels for train and t10k (or test); there are ${Object.values(files).join(", ")}`,
    );
  }
  const others = known.filter((_, k) => [...sets.keys()][k] !== wanted);
  const paths = Object.fromEntries(
    Object.entries(files).map(([role, name]) => [role, join(folder, name)]),
  ) as IdxFiles["paths"];
  const notes = prefix === undefined && others.length ? [`other sets: ${others.join(", ")}`] : [];
  return { prefix: wanted, paths, notes };
}

function setsOf(names: readonly string[]): Map<string, Partial<Record<Role, string>>> {
  const sets = new Map<string, Partial<Record<Role, string>>>();
  for (const name of names) {
    const match = NAME.exec(name);
    if (!match) continue;
    const [, prefix = "", part, what, rank] = match;
    const isLabels = what.toLowerCase() === "labels";
    if (isLabels !== (rank === "1")) continue;
    const role: Role = `${part.toLowerCase() === "train" ? "train" : "test"}${isLabels ? "Labels" : "Images"}`;
    const files = sets.get(prefix) ?? {};
    files[role] ??= name;
    sets.set(prefix, files);
  }
  return sets;
}

/** With the folder below that holds some, as `MNIST/raw` or `gzip` do. */
async function nothingFound(folder: string, names: readonly string[]): Promise<OnebitError> {
  const inside = await idxFolderIn(folder, 2);
  if (inside)
    return new OnebitError(
      `${folder}: its idx files lie deeper: give ${shellWord(`idx:${inside}`)}`,
    );
  const similar = names.filter((name) => /idx|ubyte/i.test(name));
  const shown = (similar.length ? similar : names).slice(0, 8).join(", ") || "nothing";
  return new OnebitError(
    `${folder}: train-images-idx3-ubyte(.gz) is missing: an idx folder needs images and labels for train and t10k (or test), four files named alike. There are: ${shown}`,
  );
}

async function idxFolderIn(folder: string, depth: number): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (entries.some(({ name }) => NAME.test(name))) return folder;
  if (depth === 0) return undefined;
  for (const entry of entries) {
    const found = entry.isDirectory() && (await idxFolderIn(join(folder, entry.name), depth - 1));
    if (found) return found;
  }
  return undefined;
}
