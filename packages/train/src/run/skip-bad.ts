import { UsageError } from "onebit";
import { counted } from "onebit/words";
import {
  type BadPicture,
  type Dataset,
  describeBad,
  type FindBadOptions,
  findBadPictures,
  listNames,
  withoutPictures,
} from "../data/index.js";
import { labelCounts } from "./class-counts.js";

export interface Usable {
  readonly dataset: Dataset;
  /** Sources of the pictures that were left out. */
  readonly skipped: readonly string[];
  readonly notes: readonly string[];
}

/**
 * What a training uses: all pictures; all that can be decoded, each of which is tried (`true`); or all
 * but those that an earlier run left out (a list).
 */
export async function usablePictures(
  dataset: Dataset,
  skipBad: boolean | readonly string[],
  options: FindBadOptions,
): Promise<Usable> {
  const found = skipBad === true ? await findBadPictures(dataset, options) : [];
  const skipped = Array.isArray(skipBad) ? skipBad : found.map(({ source }) => source);
  const usable = withoutPictures(dataset, skipped);
  const notes = skipped.length ? [leftOut(skipped, found)] : [];
  if (usable.train.length > 0 && usable.test.length > 0) {
    refuseEmptied(dataset, usable);
    return { dataset: usable, skipped, notes };
  }
  const part = usable.train.length > 0 ? "test" : "training";
  const why = dataset.train.length > 0 ? "" : `: ${dataset.notes.join("; ")}. Add training images`;
  throw new UsageError(`${dataset.spec}: there are no ${part} images to use${why}`);
}

/** A class that lost all its pictures would be one that the network never sees. */
function refuseEmptied({ spec, classes, train }: Dataset, usable: Dataset): void {
  const before = labelCounts(train, classes.length);
  const after = labelCounts(usable.train, classes.length);
  const emptied = classes.filter((_, k) => before[k] > 0 && after[k] === 0);
  if (emptied.length === 0) return;
  throw new UsageError(
    `${spec}: no training image of ${listNames(emptied)} can be decoded: replace them, or remove the folder`,
  );
}

function leftOut(skipped: readonly string[], found: readonly BadPicture[]): string {
  const lines = found.length ? describeBad(found) : skipped.slice(0, 5);
  return `${counted(skipped.length, "picture")} cannot be used and will be left out:\n  ${lines.join("\n  ")}`;
}

/** Looks at all the others too, so that one message names them all. */
export async function allBadPictures(
  dataset: Dataset,
  met: readonly BadPicture[],
  options: FindBadOptions,
): Promise<string> {
  const found = await findBadPictures(dataset, options).catch(() => []);
  const known = new Set(found.map(({ source }) => source));
  const all = [...found, ...met.filter(({ source }) => !known.has(source))];
  return `${counted(all.length, "picture")} cannot be used:\n  ${describeBad(all).join("\n  ")}\n  Replace them and go on with --resume, or start again without them: --skip-bad --overwrite`;
}
