import { OnebitError } from "onebit";
import { type Preprocess, parsePreprocess } from "onebit/image";
import type { NetworkOptions } from "../importer.js";
import { fitted, type InputSize } from "../preprocess.js";

/** How pixels become a network's input, and from where that is known. */
export interface Normalisation {
  readonly mean: number;
  readonly std: number;
  readonly note: string;
}

const usual: Normalisation = {
  ...{ mean: 0.5, std: 0.5 },
  note: "the file does not say how pixels are normalised: x / 127.5 - 1 is assumed (--mean 0.5 --std 0.5); --mean and --std say otherwise",
};

/**
 * How images are prepared where a file describes its network and says nothing of them: x / 127.5 - 1 unless it is
 * known otherwise, which is noted; other numbers of channels must be told.
 */
export function assumedImages(
  [channels, height, width]: InputSize,
  { preprocess = {} }: Pick<NetworkOptions, "preprocess">,
  { mean, std, note }: Normalisation = usual,
): { readonly preprocess: Preprocess; readonly notes: readonly string[] } {
  if (channels !== 1 && channels !== 3) {
    throw new OnebitError(
      `its images have ${channels} channels; 1 (grey) or 3 (colour) can be fed`,
    );
  }
  const all = (number: number) => Array.from({ length: channels }, () => number);
  const told = preprocess.mean !== undefined && preprocess.std !== undefined;
  return {
    preprocess: {
      ...fitted([height, width]),
      ...{ channels, interpolation: "bilinear", mean: all(mean), std: all(std) },
    },
    notes: told ? [] : [note],
  };
}

/** As a file of onebit's own export says; undefined where it does not. */
export function storedImages(
  metadata: ReadonlyMap<string, string>,
): ReturnType<typeof assumedImages> | undefined {
  const text = metadata.get("preprocess");
  if (text === undefined) return undefined;
  try {
    return { preprocess: parsePreprocess(JSON.parse(text), "metadata preprocess"), notes: [] };
  } catch {
    return undefined;
  }
}
