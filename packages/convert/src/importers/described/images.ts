import { OnebitError } from "onebit";
import { type Preprocess, parsePreprocess } from "onebit/image";
import type { NetworkOptions } from "../importer.js";
import { fitted, type InputSize } from "../preprocess.js";

/**
 * How images are prepared where a file describes its network and says nothing of them: x / 127.5 - 1, which is
 * noted; other numbers of channels must be told.
 */
export function assumedImages(
  [channels, height, width]: InputSize,
  { preprocess = {} }: Pick<NetworkOptions, "preprocess">,
): { readonly preprocess: Preprocess; readonly notes: readonly string[] } {
  if (channels !== 1 && channels !== 3) {
    throw new OnebitError(
      `its images have ${channels} channels; 1 (grey) or 3 (colour) can be fed`,
    );
  }
  const half = Array.from({ length: channels }, () => 0.5);
  const told = preprocess.mean !== undefined && preprocess.std !== undefined;
  const note =
    "the file does not say how pixels are normalised: x / 127.5 - 1 is assumed (--mean 0.5 --std 0.5); --mean and --std say otherwise";
  return {
    preprocess: {
      ...fitted([height, width]),
      ...{ channels, interpolation: "bilinear", mean: half, std: half },
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
