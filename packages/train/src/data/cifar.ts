import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import type { Dataset } from "./dataset.js";
import { memorySplit, pixelStatistics } from "./memory-split.js";
import { readUnpacked } from "./read-unpacked.js";
import type { DataSource } from "./source.js";
import { type MemorySplit, sharedBytes } from "./split.js";

const SIDE = 32;
const PLANE = SIDE * SIDE;
const IMAGE_BYTES = 3 * PLANE;
/** The largest published file has half as many. */
const MAX_BYTES = 2 ** 28;

/** A record: `labelBytes` labels, of which the last is the class, then red, green and blue planes. */
interface Format {
  name: string;
  labelBytes: number;
  classes: number;
  namesFile: string;
  defaultNames: readonly string[];
}

const CIFAR10: Format = {
  name: "CIFAR-10",
  labelBytes: 1,
  classes: 10,
  namesFile: "batches.meta.txt",
  defaultNames: "airplane automobile bird cat deer dog frog horse ship truck".split(" "),
};

const CIFAR100: Format = {
  name: "CIFAR-100",
  labelBytes: 2,
  classes: 100,
  namesFile: "fine_label_names.txt",
  defaultNames: Array.from({ length: 100 }, (_, i) => String(i)),
};

export const cifar: DataSource = { kind: "cifar", address: "DIR", open: openCifar };

/**
 * A folder in the binary format of CIFAR-10 (records of 3073 bytes) or CIFAR-100 (3074 bytes, fine
 * labels): `*.bin` files, those whose name starts with "test" are the test split. Class names from
 * `batches.meta.txt` or `fine_label_names.txt` where present.
 */
async function openCifar(spec: string, folder: string): Promise<Dataset> {
  const names = (await readdir(folder)).sort();
  const files = binaryFiles(names);
  const isTest = (name: string) => name.toLowerCase().startsWith("test");
  const testFiles = files.filter(isTest);
  const trainFiles = files.filter((name) => !isTest(name));
  if (files.length === 0) refuseOthers(folder, names);
  if (trainFiles.length === 0 || testFiles.length === 0) {
    const missing = trainFiles.length === 0 ? "data_batch_*.bin" : "test_batch.bin";
    throw new OnebitError(
      `${folder}: ${missing} is missing: a CIFAR folder (binary version) needs *.bin files to train on and test*.bin`,
    );
  }
  const format = await recognize(folder, files, names);
  const train = await readFiles(folder, trainFiles, format);
  const test = await readFiles(folder, testFiles, format);
  return {
    spec,
    name: basename(resolve(folder)),
    classes: await classNames(folder, format, names),
    channels: 3,
    size: [SIDE, SIDE],
    train: memorySplit(train),
    test: memorySplit(test),
    ...pixelStatistics(train.pixels, 3),
    notes: [`read as ${format.name}`],
  };
}

/** `.bin`, gzipped or not; a plain file stands for its gzipped copy. */
function binaryFiles(names: readonly string[]): string[] {
  const shown = names.filter((name) => !name.startsWith("."));
  const plain = shown.filter((name) => /\.bin$/i.test(name));
  const packed = shown.filter((name) => /\.bin\.gz$/i.test(name));
  return [...plain, ...packed.filter((name) => !plain.includes(name.slice(0, -3)))].sort();
}

/** The same data in forms that are not read. */
function refuseOthers(folder: string, names: readonly string[]): void {
  const archive = names.find((name) => /\.(tar|tgz|zip)(\.\w+)?$|\.bin\.(xz|bz2|zst)$/i.test(name));
  const python = names.find((name) => /^(data_batch_1|train)$/.test(name));
  if (!archive && !python) return;
  const advice = archive
    ? `${archive} is there: unpack it, and give the folder inside`
    : `${python} is of the Python version: download the binary version`;
  throw new OnebitError(`${folder}: holds no *.bin files; ${advice}`);
}

/** By the record size that divides the length of the first file; by the names file where both do. */
async function recognize(folder: string, files: string[], names: string[]): Promise<Format> {
  const path = join(folder, files[0]);
  const { length } = await readUnpacked(path, MAX_BYTES);
  const fits = (f: Format): boolean => length > 0 && length % (f.labelBytes + IMAGE_BYTES) === 0;
  const fitting = [CIFAR10, CIFAR100].filter(fits);
  if (fitting.length === 0) {
    throw new OnebitError(
      `${path}: ${counted(length, "byte")}, not a whole number of CIFAR records (3073 bytes, or 3074 for CIFAR-100): download it again`,
    );
  }
  return fitting.find((f) => names.includes(f.namesFile)) ?? fitting[0];
}

async function readFiles(folder: string, names: string[], format: Format): Promise<MemorySplit> {
  const record = format.labelBytes + IMAGE_BYTES;
  const parts: { path: string; bytes: Uint8Array }[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const bytes = await readUnpacked(path, MAX_BYTES);
    if (bytes.length === 0 || bytes.length % record !== 0) {
      throw new OnebitError(
        `${path}: ${counted(bytes.length, "byte")}, not a whole number of ${format.name} records of ${record} bytes: download it again`,
      );
    }
    parts.push({ path, bytes });
  }
  const count = parts.reduce((sum, { bytes }) => sum + bytes.length / record, 0);
  const pixels = sharedBytes(count * IMAGE_BYTES);
  const labels = new Int32Array(new SharedArrayBuffer(count * 4));
  const files: MemorySplit["files"] = [];
  let item = 0;
  for (const { path, bytes } of parts) {
    files.push({ name: path, first: item });
    for (let at = 0; at < bytes.length; at += record, item++) {
      labels[item] = checkedLabel(bytes[at + format.labelBytes - 1], format, path, at);
      interleave(bytes, at + format.labelBytes, pixels, item * IMAGE_BYTES);
    }
  }
  return { kind: "memory", pixels, labels, width: SIDE, height: SIDE, channels: 3, files };
}

function checkedLabel(label: number, format: Format, path: string, at: number): number {
  if (label < format.classes) return label;
  throw new OnebitError(
    `${path}: label ${label} at byte ${at + format.labelBytes - 1}, but ${format.name} has ${format.classes} classes: the file is corrupt or of another format`,
  );
}

/** Three planes to interleaved pixels. */
function interleave(from: Uint8Array, start: number, to: Uint8Array, offset: number): void {
  for (let p = 0, o = offset; p < PLANE; p++, o += 3) {
    to[o] = from[start + p];
    to[o + 1] = from[start + PLANE + p];
    to[o + 2] = from[start + 2 * PLANE + p];
  }
}

async function classNames(
  folder: string,
  format: Format,
  present: string[],
): Promise<readonly string[]> {
  if (!present.includes(format.namesFile)) return format.defaultNames;
  const path = join(folder, format.namesFile);
  const lines = (await readFile(path, "utf8")).split(/\r?\n/).map((line) => line.trim());
  const names = lines.filter((line) => line !== "");
  if (names.length === format.classes) return names;
  throw new OnebitError(
    `${path}: names ${counted(names.length, "class")}, ${format.name} has ${format.classes}: correct the file or remove it`,
  );
}
