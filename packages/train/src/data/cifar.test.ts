import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import { openDataset } from "./dataset.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-cifar-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Labels, then red, green and blue planes, each constant. */
function record(labels: number[], red: number, green = red, blue = red): Buffer {
  const planes = [red, green, blue].map((v) => Buffer.alloc(1024, v));
  return Buffer.concat([Buffer.from(labels), ...planes]);
}

async function write(files: Record<string, Buffer | string>): Promise<void> {
  for (const [name, data] of Object.entries(files)) await writeFile(join(folder, name), data);
}

const open = () => openDataset(`cifar:${folder}`);

describe("cifar", () => {
  it("reads CIFAR-10 batches in order", async () => {
    await write({
      "data_batch_2.bin": record([9], 30),
      "data_batch_1.bin": Buffer.concat([record([3], 10, 20, 30), record([0], 200)]),
      "test_batch.bin": record([7], 5),
    });
    const d = await open();
    expect(d.classes.slice(0, 3)).toEqual(["airplane", "automobile", "bird"]);
    expect([d.train.length, d.test.length]).toEqual([3, 1]);
    expect([0, 1, 2].map((i) => d.train.label(i))).toEqual([3, 0, 9]);
    const image = await d.train.image(0);
    expect(image).toMatchObject({ width: 32, height: 32, channels: 3 });
    expect([...image.data.subarray(0, 6)]).toEqual([10, 20, 30, 10, 20, 30]);
    expect(d.train.source(1)).toMatch(/data_batch_1.bin, image 1$/);
    expect(d.train.source(2)).toMatch(/data_batch_2.bin, image 0$/);
    expect(d.mean[0]).toBeCloseTo((10 + 200 + 30) / 3 / 255, 12);
    expect(d.mean[1]).toBeCloseTo((20 + 200 + 30) / 3 / 255, 12);
  });

  it("takes class names from batches.meta.txt", async () => {
    const names = "abcdefghij".split("");
    await write({
      "data_batch_1.bin": record([3], 1),
      "test_batch.bin": record([7], 5),
      "batches.meta.txt": `${names.join("\n")}\n\n`,
    });
    expect((await open()).classes).toEqual(names);
    await write({ "batches.meta.txt": "a\nb\n" });
    await expect(open()).rejects.toThrow(/batches.meta.txt: names 2 classes, CIFAR-10 has 10/);
  });

  it("reads CIFAR-100 with its fine labels", async () => {
    await write({ "train.bin": record([19, 99], 1), "test.bin": record([0, 42], 5) });
    const d = await open();
    expect(d.classes).toHaveLength(100);
    expect([d.train.label(0), d.test.label(0)]).toEqual([99, 42]);
    expect([...(await d.test.image(0)).data.subarray(0, 3)]).toEqual([5, 5, 5]);
  });

  it("reads gzipped files, told by their first bytes", async () => {
    const zipped = gzipSync(record([3], 10));
    await write({ "data_batch_1.bin.gz": zipped, "data_batch_2.bin": zipped, "._x.bin": "" });
    await write({ "Test_batch.BIN": record([7], 5) });
    const d = await open();
    expect([d.train.length, d.train.label(1), d.test.label(0)]).toEqual([2, 3, 7]);
    await write({ "data_batch_2.bin": gzipSync(Buffer.alloc(3e8)) });
    await expect(open()).rejects.toThrow(/data_batch_2\.bin: unpacks to more than 268435456 bytes/);
  });

  it("says what to do with an archive, and with the Python version", async () => {
    await write({ data_batch_1: "" });
    await expect(open()).rejects.toThrow(/data_batch_1 is of the Python version: download the bin/);
    await write({ "cifar-10-binary.tar.gz": "" });
    await expect(open()).rejects.toThrow(/cifar-10-binary\.tar\.gz is there: unpack it/);
  });

  it("refuses broken folders", async () => {
    await expect(open()).rejects.toThrow(/data_batch_\*.bin is missing/);
    await write({ "data_batch_1.bin": record([1], 1) });
    await expect(open()).rejects.toThrow(/test_batch.bin is missing/);
    await write({ "test_batch.bin": record([1], 1).subarray(0, 3000) });
    await expect(open()).rejects.toThrow(
      /test_batch.bin: 3,000 bytes, not a whole number of CIFAR-10 records of 3073 bytes/,
    );
    await write({ "test_batch.bin": record([10], 1) });
    await expect(open()).rejects.toThrow(/test_batch.bin: label 10 at byte 0, but CIFAR-10 has 10/);
    await write({ "test_batch.bin": "", "data_batch_1.bin": "" });
    await expect(open()).rejects.toThrow(/0 bytes, not a whole number of CIFAR records/);
  });

  it("reads the published images", async () => {
    const train = shared("data/cifar10/train_first4000_lossless.bin.xz");
    const test = shared("data/cifar10/test_first1000_lossless.bin.xz");
    if (!train || !test) return;
    if (spawnSync("xz", ["--version"]).error) {
      console.log("skipped: the program xz is not here");
      return;
    }
    const unpack = (path: string) =>
      execFileSync("xz", ["-dc", path], { maxBuffer: 4001 * 3073 }) as Buffer;
    await write({ "data_batch_1.bin": unpack(train), "test_batch.bin": unpack(test) });
    const d = await open();
    expect([d.train.length, d.test.length]).toEqual([4000, 1000]);
    const first = (n: number, label: (i: number) => number) =>
      Array.from({ length: n }, (_, i) => d.classes[label(i)]);
    expect(first(5, d.train.label)).toEqual(["frog", "truck", "truck", "deer", "automobile"]);
    expect(first(5, d.test.label)).toEqual(["cat", "ship", "ship", "airplane", "frog"]);
    // CIFAR-10's well-known statistics, on a part of it.
    [0.4914, 0.4822, 0.4465].forEach((m, c) => {
      expect(Math.abs(d.mean[c] - m)).toBeLessThan(0.01);
    });
    [0.247, 0.2435, 0.2616].forEach((s, c) => {
      expect(Math.abs(d.std[c] - s)).toBeLessThan(0.01);
    });
    // The first training image, a frog: its first pixel.
    expect([...(await d.train.image(0)).data.subarray(0, 3)]).toEqual([59, 62, 63]);
  });
});
