import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
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

function damaged(bytes: Buffer): Buffer {
  bytes[bytes.length - 12] ^= 0xff;
  return bytes;
}

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

  it("takes test files alone, to evaluate on, but not half a training set", async () => {
    const alone = { "train-images-idx3-ubyte": undefined, "train-labels-idx1-ubyte.gz": undefined };
    await write(alone);
    const d = await open();
    expect([d.train.length, d.test.length, d.classes.length]).toEqual([0, 1, 2]);
    expect(d.mean[0]).toBeCloseTo(7.5 / 255, 12);
    expect(d.notes.join()).toMatch(/no training images: only t10k-images-idx3-ubyte\.gz/);
    await writeFile(join(folder, "train-labels-idx1-ubyte"), TRAIN_LABELS);
    await expect(open()).rejects.toThrow(/train-images-idx3-ubyte\(\.gz\) is missing/);
  });

  it("says where files lie that are deeper", async () => {
    await mkdir(join(folder, "MNIST/raw"), { recursive: true });
    await writeFile(join(folder, "MNIST/raw/t10k-labels-idx1-ubyte"), TEST_LABELS);
    await expect(open()).rejects.toThrow(/lie deeper: give idx:.*MNIST\/raw$/);
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
      /dimensions 3 x 1 x 2 need 6 bytes of data, the file has 4 \(2 bytes missing\)/,
    ],
    [
      "trailing bytes",
      { "t10k-labels-idx1-ubyte": Buffer.concat([TEST_LABELS, Buffer.from([0])]) },
      /\(1 byte too many\)/,
    ],
    [
      "a truncated gzip file",
      { "train-labels-idx1-ubyte.gz": gzipSync(TRAIN_LABELS).subarray(0, -9) },
      /train-labels-idx1-ubyte\.gz: is not a whole gzip file/,
    ],
    [
      "a damaged gzip file",
      { "train-labels-idx1-ubyte.gz": damaged(gzipSync(TRAIN_LABELS)) },
      /is not a whole gzip file/,
    ],
    [
      "something else called .gz",
      { "train-labels-idx1-ubyte.gz": Buffer.from("not gzip") },
      /starts with 0x6e6f7420, idx labels start with 0x00000801/,
    ],
    [
      "a pointer of Git LFS",
      {
        "train-labels-idx1-ubyte.gz": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
      },
      /train-labels-idx1-ubyte\.gz: a Git LFS pointer.*git lfs pull/,
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
      /2 labels for 1 image in t10k-images/,
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

  it("tells gzip by the first bytes, whatever the name says", async () => {
    await write({
      "train-images-idx3-ubyte": gzipSync(TRAIN_IMAGES),
      "train-labels-idx1-ubyte.gz": TRAIN_LABELS,
    });
    const d = await open();
    expect([0, 1, 2].map((i) => d.train.label(i))).toEqual([2, 0, 1]);
    expect([...(await d.train.image(2)).data]).toEqual([30, 40]);
  });

  const set = async (prefix: string, end = "", files = [1, 2, 3, 4]) => {
    const all: [string, Buffer][] = [
      ["train-images-idx3-ubyte", idx([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])],
      ["train-labels-idx1-ubyte", idx([2], [1, 26])],
      ["test-images-idx3-ubyte", idx([1, 2, 3], [6, 5, 4, 3, 2, 1])],
      ["test-labels-idx1-ubyte", idx([1], [2])],
    ];
    for (const n of files)
      await writeFile(join(folder, prefix + all[n - 1][0] + end), all[n - 1][1]);
  };

  it("reads EMNIST: its names, its letters from 1 on, its images upright", async () => {
    await set("emnist-letters-", ".gz");
    const d = await open();
    expect(d.classes.join("")).toBe("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    expect([d.train.label(0), d.train.label(1), d.test.label(0)]).toEqual([0, 25, 1]);
    expect(d.size).toEqual([3, 2]);
    // [[1, 2, 3], [4, 5, 6]] in the file.
    expect([...(await d.train.image(0)).data]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(d.notes).toEqual([
      expect.stringMatching(/upright/),
      expect.stringMatching(/labels from 1 on/),
    ]);
    await writeFile(
      join(folder, "emnist-letters-mapping.txt"),
      "1 65 97\r\n2 66 98\r\n26 90 122\r\n",
    );
    const mapped = await open();
    expect(mapped.classes).toEqual(["A/a", "B/b", "Z/z"]);
    expect([mapped.train.label(1), mapped.test.label(0)]).toEqual([2, 1]);
    await writeFile(join(folder, "emnist-letters-mapping.txt"), "1 65 97\n2 66 98\n");
    await expect(open()).rejects.toThrow(/image 1 has label 26, which the mapping does not name/);
  });

  it("takes other names, and says which sets there are", async () => {
    await set("", ".GZ");
    expect((await open()).notes).toEqual(["no image has a label below 1"]);
    await set("emnist-digits-");
    expect((await open()).notes[0]).toBe(`other sets: idx:${folder}/emnist-digits`);
    const digits = await openDataset(`idx:${folder}/emnist-digits`);
    expect(digits.notes[0]).toMatch(/upright/);
    await rm(join(folder, "test-images-idx3-ubyte.GZ"));
    await expect(open()).rejects.toThrow(
      /t10k-images-idx3-ubyte\(.gz\) is missing.*there are test-labels/,
    );
  });

  it("refuses several sets of which none is MNIST's own, and folders without any", async () => {
    await writeFile(join(folder, "readme-ubyte.txt"), "");
    await expect(open()).rejects.toThrow(/four files named alike. There are: readme-ubyte.txt/);
    await set("a-");
    await set("b-");
    await expect(open()).rejects.toThrow(/several sets, say which: idx:.*\/a, idx:.*\/b/);
    expect((await openDataset(`idx:${folder}/b`)).train.length).toBe(2);
    await expect(openDataset(`idx:${folder}/c`)).rejects.toThrow(
      /no set of that name.*there are idx:.*\/a, /,
    );
  });

  it("judges a bomb by its header, and inflates no more than that says", async () => {
    const zeros = gzipSync(Buffer.concat([idx([3], [2, 0, 1]), Buffer.alloc(5e7)]));
    await write({ "train-labels-idx1-ubyte.gz": zeros });
    const before = process.memoryUsage().rss;
    await expect(open()).rejects.toThrow(/dimensions 3 need 3 bytes of data, the file has more/);
    await write({ "train-labels-idx1-ubyte.gz": gzipSync(idx([1.9e9], [])) });
    await expect(open()).rejects.toThrow(
      /need 1900000000 bytes of data, more than \d+ bytes of gzip/,
    );
    await write({ "train-labels-idx1-ubyte.gz": gzipSync(idx([4e9], [])) });
    await expect(open()).rejects.toThrow(/need 4000000000 bytes of data, more than/);
    expect(process.memoryUsage().rss - before).toBeLessThan(3e8);
  });

  it("does not wait for a pipe that nobody writes into", async () => {
    await write({ "train-labels-idx1-ubyte.gz": undefined });
    await promisify(execFile)("mkfifo", [join(folder, "train-labels-idx1-ubyte")]);
    await expect(open()).rejects.toThrow(/is a named pipe, not a file/);
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
