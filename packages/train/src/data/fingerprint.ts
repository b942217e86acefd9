import { createHash, type Hash } from "node:crypto";
import { stat } from "node:fs/promises";
import { relative } from "node:path";
import { commonFolder } from "./common-folder.js";
import type { Dataset } from "./dataset.js";
import { isOfFiles } from "./open-split.js";
import type { PortableSplit, Split } from "./split.js";

/** Of larger data sets so many files, evenly chosen, are asked for their size. */
const SIZES = 10_000;

/**
 * What tells whether a run goes on with the images that it was begun with, wherever they lie: of files their
 * names below the folder that holds all of them, their labels and their sizes; else labels and pixels.
 * undefined where images are generated, or the caller's own.
 */
export async function fingerprint({ train, test }: Dataset): Promise<string | undefined> {
  const hash = createHash("sha256");
  for (const split of [train, test]) {
    const isKnown = isOfFiles(split) ? await addFiles(hash, split) : addPixels(hash, split);
    if (!isKnown) return undefined;
  }
  return hash.digest("hex").slice(0, 32);
}

async function addFiles(hash: Hash, split: Split): Promise<true> {
  const folder = commonFolder(split);
  const step = Math.ceil(split.length / SIZES);
  for (let i = 0; i < split.length; i++) {
    const path = split.source(i);
    const name = relative(folder, path).replaceAll("\\", "/").normalize("NFC");
    const info = i % step ? undefined : await stat(path).catch(() => undefined);
    hash.update(`${name}\0${split.label(i)}\0${info?.size}\n`);
  }
  return true;
}

function addPixels(hash: Hash, split: Split): boolean {
  const pixels = pixelsOf(split.portable);
  if (!pixels) return false;
  hash.update(pixels);
  hash.update(Int32Array.from({ length: split.length }, (_, i) => split.label(i)));
  return true;
}

function pixelsOf(split: PortableSplit | undefined): Uint8Array | undefined {
  if (split?.kind === "subset") return pixelsOf(split.of);
  return split?.kind === "memory" ? split.pixels : undefined;
}
