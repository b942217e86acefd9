import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { counted } from "onebit/words";
import type { Dataset } from "./dataset.js";
import { isOfFiles } from "./open-split.js";

/** Larger data sets are not looked through: all would be read once more. */
const MOST = 20_000;
/** Files that are open at once. */
const AT_ONCE = 16;

interface Picture {
  readonly source: string;
  readonly label: number;
  readonly part: "train" | "test";
}

type Pair = readonly [Picture, Picture];

/**
 * Notes of files that are the same, byte for byte, where that is a mistake: in two classes, of which no
 * network can tell one, or both learned and tested on, which makes the test too easy.
 */
export async function repeatedPictures({ train, test }: Dataset): Promise<string[]> {
  if (!(isOfFiles(train) || isOfFiles(test)) || train.length + test.length > MOST) return [];
  const pictures = Object.entries({ train, test }).flatMap(([part, split]) =>
    Array.from({ length: split.length }, (_, i) => ({
      ...{ source: split.source(i), label: split.label(i), part: part as Picture["part"] },
    })),
  );
  // Few files are of the same size: only those are read.
  const alike = await groupsOf(pictures, async ({ source }) => {
    const { size } = await stat(source);
    return size || undefined; // Empty ones are no pictures.
  });
  const same = await groupsOf(alike.flat(), async ({ source }) =>
    createHash("sha256")
      .update(await readFile(source))
      .digest("hex"),
  );
  const twoClasses = pairs(same, (a, b) => a.label !== b.label);
  const twoParts = pairs(same, (a, b) => a.label === b.label && a.part !== b.part);
  return [
    ...note(twoClasses, "in two classes", "keep each in the one that it shows"),
    ...note(twoParts, "both learned and tested on", "remove one, else the test is too easy"),
  ];
}

/** Those for which something is the same; files that cannot be read are told of elsewhere. */
async function groupsOf<Key>(
  pictures: readonly Picture[],
  keyOf: (picture: Picture) => Promise<Key | undefined>,
): Promise<Picture[][]> {
  const groups = new Map<Key, Picture[]>();
  for (let first = 0; first < pictures.length; first += AT_ONCE) {
    const some = pictures.slice(first, first + AT_ONCE);
    const keys = await Promise.all(some.map((one) => keyOf(one).catch(() => undefined)));
    for (const [i, key] of keys.entries()) {
      if (key === undefined) continue;
      const group = groups.get(key);
      if (group) group.push(some[i]);
      else groups.set(key, [some[i]]);
    }
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

/** Of each group the first picture with one that disagrees with it. */
function pairs(groups: readonly Picture[][], differ: (a: Picture, b: Picture) => boolean): Pair[] {
  return groups.flatMap(([first, ...others]) => {
    const other = others.find((one) => differ(first, one));
    return other ? [[first, other] as const] : [];
  });
}

function note(found: readonly Pair[], what: string, todo: string): string[] {
  if (found.length === 0) return [];
  const [[a, b]] = found;
  const more = found.length > 1 ? ` (and ${counted(found.length - 1, "other")} so)` : "";
  return [`${a.source} and ${b.source} are the same picture, ${what}${more}: ${todo}`];
}
