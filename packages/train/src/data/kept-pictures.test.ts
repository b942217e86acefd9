import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomStream } from "../../../core/src/test-support/draw.js";
import { preprocessFor } from "./dataset.js";
import { fileSplit } from "./file-split.js";
import { BatchFiller, type BatchRequest } from "./fill.js";
import { memorySplit } from "./memory-split.js";
import type { Split } from "./split.js";

let folder: string;
let split: Split;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-kept-"));
  const random = randomStream(5);
  const paths = ["a.png", "b.png", "c.png"].map((name) => join(folder, name));
  for (const [k, path] of paths.entries()) {
    const [width, height] = [40 + 8 * k, 30];
    const data = Uint8Array.from({ length: width * height * 3 }, () => 256 * random());
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(path);
  }
  split = fileSplit({ kind: "files", paths, labels: Int32Array.of(0, 1, 2) });
});
afterAll(() => rm(folder, { recursive: true }));

const preprocess = preprocessFor(
  {
    ...{ spec: "x", name: "x", classes: ["a"], channels: 3, notes: [] },
    ...{ train: {} as Split, test: {} as Split, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
  },
  { size: [8, 8] },
);
const augment = { resizedCrop: { scale: [0.5, 1] as const }, flip: true, colour: 0.3 };

async function pixels(filler: BatchFiller, more: Partial<BatchRequest> = {}) {
  const images = new Float32Array(3 * 3 * 64);
  const view = more.epoch ?? 0;
  const plain = { indices: Int32Array.of(0, 1, 2), preprocess, seed: 1, epoch: 0, number: 0, view };
  await filler.fill({ ...plain, ...more }, images);
  return images;
}

describe("kept pictures", () => {
  it("are decoded once for each use, and change no pixel", async () => {
    const decoded: number[] = [];
    const image = (i: number) => {
      decoded.push(i);
      return split.image(i);
    };
    const counting = { ...split, image };
    const [kept, fresh] = [new BatchFiller(counting, true), new BatchFiller(split, false)];
    for (const more of [{}, { augment }, { augment, epoch: 1 }, { augment, epoch: 2 }, {}]) {
      expect(await pixels(kept, more)).toEqual(await pixels(fresh, more));
    }
    // As they are, then before the crop, then as they are again.
    expect(decoded).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it("still differ from epoch to epoch", async () => {
    const filler = new BatchFiller(split, true);
    const first = await pixels(filler, { augment });
    expect(await pixels(filler, { augment, epoch: 1 })).not.toEqual(first);
    expect(await pixels(filler, { augment })).toEqual(first);
  });

  it("are not of images that lie in memory already", async () => {
    let asked = 0;
    const inMemory = memorySplit({
      ...{ kind: "memory", pixels: new Uint8Array(3 * 64), labels: Int32Array.of(0), files: [] },
      ...{ width: 8, height: 8, channels: 3 },
    });
    const image = (i: number) => {
      asked++;
      return inMemory.image(i);
    };
    const filler = new BatchFiller({ ...inMemory, image }, true);
    for (let n = 0; n < 3; n++) await pixels(filler, { indices: Int32Array.of(0) });
    expect(asked).toBe(3);
  });
});
