import type { SignalLike } from "onebit";
import type { Preprocess } from "onebit/image";
import type { BadPicture } from "./bad-picture.js";
import type { Dataset } from "./dataset.js";
import { type LoaderOptions, openLoader } from "./loader.js";
import { isOfFiles, without } from "./open-split.js";
import type { Part } from "./worker.js";

/** How pictures are looked through. */
export interface FindBadOptions extends LoaderOptions {
  /** Fail at the first. */
  readonly strict?: boolean;
  readonly signal?: SignalLike;
  readonly onProgress?: (images: number, of: number) => void;
}

/** Decodes every picture of a data set once, and says which cannot be. */
export async function findBadPictures(
  dataset: Dataset,
  { strict = false, signal, onProgress, ...options }: FindBadOptions = {},
): Promise<BadPicture[]> {
  const parts = (["train", "test"] as const).filter((part) => canBeBad(dataset, part));
  const of = parts.reduce((sum, part) => sum + dataset[part].length, 0);
  const loader = openLoader(dataset, options);
  const bad: BadPicture[] = [];
  let done = 0;
  try {
    for (const split of parts) {
      const stream = loader.batches({
        ...{ split, batch: 32, preprocess: onePixel(dataset), signal },
        ...{ shuffle: false, dropLast: false, skipBad: !strict },
      });
      for await (const batch of stream) {
        bad.push(...batch.bad);
        done += batch.count + batch.bad.length;
        stream.recycle(batch);
        onProgress?.(done, of);
      }
    }
  } finally {
    await loader.close();
  }
  return bad;
}

/** The data set without some of its pictures, which their sources name. */
export function withoutPictures(dataset: Dataset, sources: readonly string[]): Dataset {
  if (sources.length === 0) return dataset;
  const names = new Set(sources);
  return {
    ...dataset,
    train: without(dataset.train, names),
    test: without(dataset.test, names),
  };
}

/** Pixels in memory and generated ones cannot be bad. */
function canBeBad(dataset: Dataset, part: Part): boolean {
  const split = dataset[part];
  return split.length > 0 && (isOfFiles(split) || !split.portable);
}

/** Decoding is what counts. */
function onePixel({ channels, mean, std }: Dataset): Preprocess {
  return { size: [1, 1], channels, crop: "center", interpolation: "bilinear", mean, std };
}
