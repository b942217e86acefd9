import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import type { Dataset } from "./dataset.js";
import {
  emnistLetters,
  emnistMapping,
  isEmnist,
  type LabelNames,
  transposeImages,
} from "./emnist.js";
import { readIdx } from "./idx-array.js";
import { findIdxFiles } from "./idx-files.js";
import { readClassList } from "./labels-file.js";
import { memorySplit, pixelStatistics } from "./memory-split.js";
import { type DataSource, isFolder } from "./source.js";
import { type MemorySplit, sharedInts } from "./split.js";

export const idx: DataSource = {
  kind: "idx",
  address: "DIR",
  isThere: async (address) => (await isFolder(address)) || isFolder(dirname(address)),
  open: openIdx,
};

/**
 * A folder in MNIST's format: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with
 * `t10k-` (or `test-`), or these alone, gzipped or not; or the folder and what the names begin with, as
 * `DIR/emnist-letters`. Images [N, H, W], or [N, H, W, 3] in `idx4` files. Class names from
 * `classes.txt` beside them, else the label numbers. EMNIST's images are turned upright.
 */
async function openIdx(spec: string, address: string): Promise<Dataset> {
  const isWhole = await isFolder(address);
  const folder = isWhole ? address : dirname(address);
  const files = await findIdxFiles(folder, isWhole ? undefined : basename(address));
  const { paths, prefix } = files;
  const notes = [...files.notes];
  const { trainImages, trainLabels } = paths;
  let test = await readPart(paths.testImages, paths.testLabels);
  let train = none(test);
  if (trainImages && trainLabels) train = await readPart(trainImages, trainLabels);
  else notes.push(`no training images: only ${basename(paths.testImages)}, to evaluate on`);
  if (train.width !== test.width || train.height !== test.height) {
    throw new OnebitError(
      `${folder}: training images are ${train.width}x${train.height}, test images ${test.width}x${test.height}: they do not belong together`,
    );
  }
  if (train.channels !== test.channels) {
    throw new OnebitError(
      `${folder}: training images have ${counted(train.channels, "channel")}, test images ${test.channels}: they do not belong together`,
    );
  }
  if (isEmnist(prefix)) {
    [train, test] = [train, test].map(transposeImages);
    notes.push("EMNIST stores images column by column: they were turned upright");
  }
  const named = await classesOf(folder, prefix, [train, test], notes);
  if (named.labels) {
    [train, test] = [train, test].map((part) => relabelled(part, named.labels!));
  }
  return {
    spec,
    name: basename(resolve(address)),
    classes: named.names,
    channels: train.channels,
    size: [train.height, train.width],
    train: memorySplit(train),
    test: memorySplit(test),
    ...pixelStatistics((train.labels.length ? train : test).pixels, train.channels),
    notes,
  };
}

/** No images of that size. */
function none(part: MemorySplit): MemorySplit {
  return { ...part, pixels: part.pixels.subarray(0, 0), labels: part.labels.subarray(0, 0) };
}

async function readPart(imagesPath: string, labelsPath: string): Promise<MemorySplit> {
  const [images, labels] = await Promise.all([
    readIdx(imagesPath, [3, 4], "images"),
    readIdx(labelsPath, [1], "labels"),
  ]);
  const [count, height, width, channels = 1] = images.dims;
  if (channels !== 1 && channels !== 3) {
    throw new OnebitError(`${imagesPath}: images have ${channels} channels: expected 1 or 3`);
  }
  if (labels.dims[0] !== count) {
    throw new OnebitError(
      `${labelsPath}: ${counted(labels.dims[0], "label")} for ${counted(count, "image")} in ${basename(imagesPath)}: the files do not belong together`,
    );
  }
  return {
    kind: "memory",
    ...{ pixels: images.data, labels: sharedInts(labels.data), width, height, channels },
    files: [{ name: imagesPath, first: 0 }],
  };
}

/** Names from classes.txt, from EMNIST's mapping, or the numbers; `labels` where those change. */
async function classesOf(
  folder: string,
  prefix: string,
  parts: readonly MemorySplit[],
  notes: string[],
): Promise<{ readonly names: readonly string[]; readonly labels?: LabelNames["labels"] }> {
  const all = parts.map(({ labels }) => labels);
  const highest = all.reduce((top, labels) => labels.reduce((a, b) => Math.max(a, b), top), 0);
  const lowest = all.reduce((low, labels) => labels.reduce((a, b) => Math.min(a, b), low), 255);
  const file = (await readdir(folder)).find((name) => /^classes\.(txt|json)$/i.test(name));
  if (file === undefined) {
    const known =
      (await emnistMapping(folder, prefix)) ??
      (isEmnist(prefix) ? emnistLetters(prefix, lowest) : undefined);
    if (known && known.labels[0] > 0) notes.push(`labels from ${known.labels[0]} on: now from 0`);
    if (known) return known;
    if (lowest > 0) notes.push(`no image has a label below ${lowest}`);
    return { names: Array.from({ length: highest + 1 }, (_, i) => String(i)) };
  }
  const path = join(folder, file);
  const { names } = await readClassList(path);
  if (names.length > highest) return { names };
  if (names.length === highest && lowest === 1) {
    notes.push("labels from 1 on, as many as names: now from 0");
    return { names, labels: names.map((_, k) => k + 1) };
  }
  throw new OnebitError(
    `${path}: names ${counted(names.length, "class")}, but labels go up to ${highest}: add the missing lines or remove the file`,
  );
}

function relabelled(part: MemorySplit, labels: readonly number[]): MemorySplit {
  const numbers = new Map(labels.map((label, k) => [label, k]));
  const changed = Array.from(part.labels, (label) => numbers.get(label) ?? -1);
  const unknown = changed.indexOf(-1);
  if (unknown < 0) return { ...part, labels: sharedInts(changed) };
  throw new OnebitError(
    `${part.files[0].name}: image ${unknown} has label ${part.labels[unknown]}, which the mapping does not name`,
  );
}
