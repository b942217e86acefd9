import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import { openDataset } from "./dataset.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-idx-"));
});
afterEach(() => rm(folder, { recursive: true }));

function idx(dims: number[], data: number[], magic = 0x800 + dims.length): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt32BE(magic);
  dims.forEach((d, i) => {
    header.writeUInt32BE(d, 4 + 4 * i);
  });
  return Buffer.concat([header, Buffer.from(data)]);
}

const TRAIN_IMAGES = idx([3, 1, 2], [0, 255, 10, 20, 30, 40]);
const TRAIN_LABELS = idx([3], [2, 0, 1]);
const TEST_IMAGES = idx([1, 1, 2], [7, 8]);
const TEST_LABELS = idx([1], [1]);

async function write(changes: Record<string, Buffer | string | undefined> = {}): Promise<void> {
  const files: Record<string, Buffer | string | undefined> = {
    "train-images-idx3-ubyte": TRAIN_IMAGES,
    "train-labels-idx1-ubyte.gz": gzipSync(TRAIN_LABELS),
    "t10k-images-idx3-ubyte.gz": gzipSync(TEST_IMAGES),
    "t10k-labels-idx1-ubyte": TEST_LABELS,
    ...changes,
  };
  for (const [name, data] of Object.entries(files)) {
    if (data !== undefined) await writeFile(join(folder, name), data);
  }
}

const open = () => openDataset(`idx:${folder}`);

describe("idx", () => {
  it("reads plain and gzipped files", async () => {
    await write();
    const d = await open();
    expect(d.classes).toEqual(["0", "1", "2"]);
    expect(d.size).toEqual([1, 2]);
    expect(d.channels).toBe(1);
    expect([d.train.length, d.test.length]).toEqual([3, 1]);
    expect([0, 1, 2].map((i) => d.train.label(i))).toEqual([2, 0, 1]);
    const image = await d.train.image(1);
    expect(image).toMatchObject({ width: 2, height: 1, channels: 1 });
    expect([...image.data]).toEqual([10, 20]);
    expect([...(await d.test.image(0)).data]).toEqual([7, 8]);
    expect(d.train.source(2)).toMatch(/train-images-idx3-ubyte, image 2$/);
    // Mean of 0, 255, 10, 20, 30, 40.
    expect(d.mean[0]).toBeCloseTo(355 / 6 / 255, 12);
    const variance = [0, 255, 10, 20, 30, 40].reduce((s, v) => s + (v - 355 / 6) ** 2, 0) / 6;
    expect(d.std[0]).toBeCloseTo(Math.sqrt(variance) / 255, 12);
  });

  it("reads colour images [N, H, W, 3] and class names", async () => {
    await write({
      "train-images-idx4-ubyte": idx([3, 1, 1, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
      "train-images-idx3-ubyte": undefined,
      "t10k-images-idx4-ubyte": idx([1, 1, 1, 3], [9, 9, 9]),
      "t10k-images-idx3-ubyte.gz": undefined,
      "classes.txt": "coat\r\nboot\nbag\n\n",
    });
    const d = await open();
    expect(d.channels).toBe(3);
    expect(d.classes).toEqual(["coat", "boot", "bag"]);
    expect([...(await d.train.image(1)).data]).toEqual([4, 5, 6]);
    expect(d.mean).toHaveLength(3);
  });

  it.each<[string, Record<string, Buffer | string | undefined>, RegExp]>([
    [
      "a missing file",
      { "t10k-labels-idx1-ubyte": undefined },
      /t10k-labels-idx1-ubyte\(\.gz\) is missing/,
    ],
    [
      "labels in place of images",
      { "train-images-idx3-ubyte": TRAIN_LABELS },
      /train-images-idx3-ubyte: starts with 0x00000801, idx images start with 0x00000803 or 0x00000804/,
    ],
    ["an empty file", { "train-images-idx3-ubyte": Buffer.alloc(0) }, /only 0 bytes/],
    [
      "a cut header",
      { "train-images-idx3-ubyte": TRAIN_IMAGES.subarray(0, 9) },
      /ends inside its header, at 9 of 16 bytes/,
    ],
    [
      "a truncated file",
      { "train-images-idx3-ubyte": TRAIN_IMAGES.subarray(0, -2) },
      /dimensions 3 x 1 x 2 need 6 bytes of data, the file has 4 \(2 bytes are missing\)/,
    ],
    [
      "trailing bytes",
      { "t10k-labels-idx1-ubyte": Buffer.concat([TEST_LABELS, Buffer.from([0])]) },
      /\(1 bytes too many\)/,
    ],
    [
      "a truncated gzip file",
      { "train-labels-idx1-ubyte.gz": gzipSync(TRAIN_LABELS).subarray(0, -9) },
      /train-labels-idx1-ubyte\.gz: is not a whole gzip file/,
    ],
    [
      "a damaged gzip file",
      { "train-labels-idx1-ubyte.gz": Buffer.from("not gzip") },
      /is not a whole gzip file/,
    ],
    [
      "absurd dimensions",
      { "train-images-idx3-ubyte": idx([4e9, 4e9, 4e9], []) },
      /need 6.4e\+28 bytes/,
    ],
    ["nothing inside", { "t10k-labels-idx1-ubyte": idx([0], []) }, /holds nothing/],
    [
      "counts that differ",
      { "t10k-labels-idx1-ubyte": idx([2], [0, 0]) },
      /2 labels for 1 images in t10k-images/,
    ],
    [
      "sizes that differ",
      { "t10k-images-idx3-ubyte.gz": gzipSync(idx([1, 2, 1], [1, 2])) },
      /training images are 2x1, test images 1x2/,
    ],
    ["too few class names", { "classes.txt": "a\nb\n" }, /names 2 classes, but labels go up to 2/],
  ])("refuses %s", async (_, files, message) => {
    await write(files);
    await expect(open()).rejects.toThrow(message);
  });

  it("reads Fashion-MNIST as published", async () => {
    const path = shared("data/fashion-mnist");
    if (!path) return;
    const d = await openDataset(`idx:${path}`);
    expect([d.train.length, d.test.length]).toEqual([60_000, 10_000]);
    expect(d.size).toEqual([28, 28]);
    expect(d.classes).toHaveLength(10);
    const perClass = new Array(10).fill(0);
    for (let i = 0; i < d.train.length; i++) perClass[d.train.label(i)]++;
    expect(perClass).toEqual(new Array(10).fill(6000));
    // The constants that everybody uses.
    expect(d.mean[0]).toBeCloseTo(0.286, 4);
    expect(d.std[0]).toBeCloseTo(0.353, 4);
    expect(d.train.label(0)).toBe(9);
  });
});
