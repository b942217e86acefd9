import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { OnebitError } from "onebit";
import type { Dataset } from "./dataset.js";
import { memorySplit, pixelStatistics } from "./memory-split.js";
import { readBytes } from "./read-bytes.js";
import { type MemorySplit, sharedBytes, sharedInts } from "./split.js";

const inflate = promisify(gunzip);

/** No data set in this format comes near; a small file must not fill the memory. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * A folder in MNIST's format: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with
 * `t10k-` (or `test-`), gzipped or not. Images [N, H, W], or [N, H, W, 3] in `idx4` files. Class names
 * from `classes.txt` beside them, one per line, else the label numbers.
 */
export async function openIdx(spec: string, folder: string): Promise<Dataset> {
  const [train, test] = await Promise.all([
    readPart(folder, "train", "train"),
    readPart(folder, "(?:t10k|test)", "t10k"),
  ]);
  if (train.width !== test.width || train.height !== test.height) {
    throw new OnebitError(
      `${folder}: training images are ${train.width}x${train.height}, test images ${test.width}x${test.height}: they do not belong together`,
    );
  }
  if (train.channels !== test.channels) {
    throw new OnebitError(
      `${folder}: training images have ${train.channels} channels, test images ${test.channels}: they do not belong together`,
    );
  }
  const classes = await classNames(folder, [train, test]);
  return {
    spec,
    name: basename(resolve(folder)),
    classes,
    channels: train.channels,
    size: [train.height, train.width],
    train: memorySplit(train),
    test: memorySplit(test),
    ...pixelStatistics(train.pixels, train.channels),
    notes: [],
  };
}

async function readPart(folder: string, prefix: string, shown: string): Promise<MemorySplit> {
  const names = await readdir(folder);
  const find = (what: string, dims: string, example: string): string => {
    const pattern = new RegExp(`^${prefix}-${what}[-.]idx${dims}-ubyte(\\.gz)?$`);
    // A plain file sorts before its gzipped copy.
    const found = names.filter((name) => pattern.test(name)).sort()[0];
    if (found) return join(folder, found);
    throw new OnebitError(
      `${folder}: ${shown}-${what}-${example}-ubyte(.gz) is missing: an idx folder needs images and labels for train and t10k`,
    );
  };
  const imagesPath = find("images", "[34]", "idx3");
  const labelsPath = find("labels", "1", "idx1");
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
      `${labelsPath}: ${labels.dims[0]} labels for ${count} images in ${basename(imagesPath)}: the files do not belong together`,
    );
  }
  const pixels = sharedBytes(images.data.length);
  pixels.set(images.data);
  const files = [{ name: imagesPath, first: 0 }];
  return {
    kind: "memory",
    pixels,
    labels: sharedInts(labels.data),
    width,
    height,
    channels,
    files,
  };
}

interface IdxArray {
  dims: number[];
  data: Uint8Array;
}

/** Header: two zero bytes, type (8 = unsigned byte), rank, then each dimension as big-endian uint32. */
async function readIdx(path: string, ranks: number[], what: string): Promise<IdxArray> {
  const bytes = await readMaybeGzipped(path);
  const wanted = ranks.map((rank) => `0x${(0x800 + rank).toString(16).padStart(8, "0")}`);
  if (bytes.length < 4) {
    throw new OnebitError(
      `${path}: only ${bytes.length} bytes, not an idx file: download it again`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const rank = magic & 0xff;
  if (magic >>> 8 !== 8 || !ranks.includes(rank)) {
    throw new OnebitError(
      `${path}: starts with 0x${magic.toString(16).padStart(8, "0")}, idx ${what} start with ${wanted.join(" or ")}: is this another file?`,
    );
  }
  const header = 4 + 4 * rank;
  if (bytes.length < header) {
    throw new OnebitError(`${path}: ends inside its header, at ${bytes.length} of ${header} bytes`);
  }
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  if (dims.includes(0)) {
    throw new OnebitError(`${path}: holds nothing (dimensions ${dims.join(" x ")})`);
  }
  const size = dims.reduce((a, b) => a * b, 1);
  const present = bytes.length - header;
  if (present !== size) {
    const difference =
      present < size ? `${size - present} bytes are missing` : `${present - size} bytes too many`;
    throw new OnebitError(
      `${path}: dimensions ${dims.join(" x ")} need ${size} bytes of data, the file has ${present} (${difference}): download it again`,
    );
  }
  return { dims, data: bytes.subarray(header) };
}

async function readMaybeGzipped(path: string): Promise<Uint8Array> {
  const bytes = await readBytes(path);
  if (!path.endsWith(".gz")) return bytes;
  try {
    return await inflate(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    throw new OnebitError(
      `${path}: is not a whole gzip file (${(error as Error).message}): download it again`,
    );
  }
}

async function classNames(folder: string, parts: MemorySplit[]): Promise<string[]> {
  const highest = parts.reduce(
    (max, { labels }) => labels.reduce((a, b) => Math.max(a, b), max),
    0,
  );
  const path = join(folder, "classes.txt");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return Array.from({ length: highest + 1 }, (_, i) => String(i));
  const names = text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === "") names.pop();
  if (names.length > highest) return names;
  throw new OnebitError(
    `${path}: names ${names.length} classes, but labels go up to ${highest}: add the missing lines or remove the file`,
  );
}
