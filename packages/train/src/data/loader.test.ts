import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { Mixed } from "./augment/index.js";
import { type Dataset, openDataset, preprocessFor } from "./dataset.js";
import { openGlyphs } from "./glyphs.js";
import { type BatchOptions, type BatchStream, batches, openLoader } from "./loader.js";
import { memorySplit } from "./memory-split.js";

/** Worker threads of this process, also those that do not keep it alive. */
const threads = () => (process.report.getReport() as { workers: unknown[] }).workers.length;

const glyphs = () => openGlyphs("glyphs", { trainImages: 50, testImages: 20 });
const augment = { pad: 2, flip: true };

function options(data: Dataset, more: Partial<BatchOptions> = {}): BatchOptions {
  return { split: "train", batch: 16, preprocess: preprocessFor(data), seed: 3, ...more };
}

async function collect(stream: BatchStream) {
  const out: { images: number[]; labels: number[]; indices: number[]; count: number }[] = [];
  for await (const b of stream) {
    out.push({
      images: [...b.images],
      labels: [...b.labels],
      indices: [...b.indices],
      count: b.count,
    });
    stream.recycle(b);
  }
  return out;
}

describe("batches", () => {
  it("are the same for 0, 1 and 2 workers", async () => {
    const epochs = [0, 1, 2].map((workers) => {
      const data = glyphs();
      return collect(batches(data, { ...options(data, { augment, epoch: 4 }), workers }));
    });
    const [inline, one, two] = await Promise.all(epochs);
    expect(inline).toHaveLength(3);
    expect(one).toEqual(inline);
    expect(two).toEqual(inline);
  });

  it("are mixed alike for 0, 1 and 2 workers, others in each batch and epoch", async () => {
    const data = glyphs();
    const all = {
      ...{ resizedCrop: true, flip: true, randAugment: true, colour: 0.2, lighting: true },
      ...{ erase: { mode: "pixel" }, mixup: { probability: 0.6 }, cutmix: true },
    };
    const epochOf = async (workers: number, epoch: number) => {
      const mixes: unknown[] = [];
      const images: string[] = [];
      const o = options(data, { augment: all, epoch, batch: 4 });
      for await (const { mixed, ...batch } of batches(data, { ...o, workers })) {
        mixes.push(mixed);
        images.push(batch.images.join());
      }
      return { mixes, images };
    };
    const [inline, one, two] = await Promise.all([0, 1, 2].map((workers) => epochOf(workers, 4)));
    expect(one).toEqual(inline);
    expect(two).toEqual(inline);
    expect(inline.mixes).toContain(undefined);
    const weights = inline.mixes.map((mixed) => (mixed as Mixed | undefined)?.weight[0]);
    expect(new Set(weights).size).toBeGreaterThan(6);
    expect((await epochOf(0, 5)).mixes).not.toEqual(inline.mixes);
  });

  it("show the same view of an image in whatever epoch", async () => {
    const data = glyphs();
    const pictures = async (epoch: number, view: number) => {
      const seen = new Map<number, string>();
      const o = options(data, { augment, epoch, view, dropLast: false });
      for (const b of await collect(batches(data, { ...o, workers: 0 }))) {
        for (const [n, i] of b.indices.entries()) {
          seen.set(i, b.images.slice(n * 3072, (n + 1) * 3072).join());
        }
      }
      return seen;
    };
    const first = await pictures(0, 2);
    expect(await pictures(7, 2)).toEqual(first);
    expect(await pictures(0, 3)).not.toEqual(first);
  });

  it("of training: every image at most once, in another order each epoch, the rest left out", async () => {
    const data = glyphs();
    const orders = [];
    for (const epoch of [0, 1]) {
      const stream = batches(data, { ...options(data, { epoch }), workers: 0 });
      expect([stream.batches, stream.items]).toEqual([3, 48]);
      const epochBatches = await collect(stream);
      const order = epochBatches.flatMap((b) => b.indices);
      expect(new Set(order).size).toBe(48);
      for (const b of epochBatches) {
        expect(b.count).toBe(16);
        expect(b.labels).toEqual(b.indices.map((i) => data.train.label(i)));
      }
      orders.push(order.join());
    }
    expect(orders[0]).not.toBe(orders[1]);
  });

  it("of testing: in order, plain pixels, padded with zeros", async () => {
    const data = glyphs();
    const stream = batches(data, { ...options(data, { split: "test" }), workers: 1 });
    expect([stream.batches, stream.items]).toEqual([2, 20]);
    const [first, last] = await collect(stream);
    expect([first.count, last.count]).toEqual([16, 4]);
    expect(last.indices).toEqual([16, 17, 18, 19]);
    expect(last.labels.slice(0, 6)).toEqual([16, 17, 18, 19, 0, 0]);
    expect(last.images).toHaveLength(16 * 3072);
    expect(last.images.slice(4 * 3072).every((v) => v === 0)).toBe(true);
    const image = await data.test.image(17);
    // Green of pixel (5, 9) of the second item.
    const expected = (image.data[(9 * 32 + 5) * 3 + 1] / 255 - data.mean[1]) / data.std[1];
    expect(last.images[3072 + 1024 + 9 * 32 + 5]).toBeCloseTo(expected, 5);
  });

  it("augment each image by (seed, epoch, index), whatever the batch size", async () => {
    const data = glyphs();
    const pictures = async (batch: number, seed: number, epoch: number) => {
      const out = new Map<number, string>();
      const o = options(data, { augment, batch, seed, epoch, dropLast: false });
      for (const b of await collect(batches(data, { ...o, workers: 0 }))) {
        b.indices.forEach((i, n) => {
          out.set(i, b.images.slice(n * 3072, (n + 1) * 3072).join());
        });
      }
      return out;
    };
    const base = await pictures(16, 3, 1);
    expect(base.size).toBe(50);
    expect(await pictures(7, 3, 1)).toEqual(base);
    const moved = async (seed: number, epoch: number) =>
      [...(await pictures(16, seed, epoch))].filter(([i, p]) => base.get(i) !== p).length;
    // 50 positions, flipped or not: rarely the same twice.
    expect(await moved(4, 1)).toBeGreaterThan(40);
    expect(await moved(3, 2)).toBeGreaterThan(40);
  });

  it("reuse recycled buffers, and do without those that were transferred away", async () => {
    const data = glyphs();
    for (const workers of [0, 1]) {
      const stream = batches(data, { ...options(data, { batch: 4 }), workers });
      const seen = new Set<ArrayBufferLike>();
      let n = 0;
      for await (const b of stream) {
        // A transfer detaches and re-attaches the memory: only inline is identity visible.
        if (workers === 0) seen.add(b.images.buffer);
        if (n++ === 3) structuredClone(b.images, { transfer: [b.images.buffer] });
        stream.recycle(b);
        stream.recycle(b);
      }
      expect(n).toBe(12);
      if (workers === 0) expect(seen.size).toBe(2);
    }
  });

  it("serve a data set that cannot leave the thread", async () => {
    const data = glyphs();
    const local = { ...data, train: { ...data.train, portable: undefined } };
    const got = await collect(batches(local, { ...options(local), workers: 2 }));
    expect(got).toEqual(await collect(batches(data, { ...options(data), workers: 0 })));
  });

  it("repeat grey images for a network that takes colour, resized", async () => {
    const data = memoryDataset();
    const preprocess = preprocessFor(data, { size: [4, 4], channels: 3 });
    const [b] = await collect(batches(data, { split: "test", batch: 2, preprocess, workers: 1 }));
    expect(b.images).toHaveLength(2 * 3 * 16);
    expect(b.images.slice(0, 16)).toEqual(b.images.slice(16, 32));
  });

  it("make colour grey for a grey network, augmented or not", async () => {
    const data = glyphs();
    const preprocess = { ...preprocessFor(data, { channels: 1 }), mean: [0], std: [1] };
    const of = { split: "train" as const, batch: 1, preprocess, shuffle: false, workers: 1 };
    const [plain] = await collect(batches(data, of));
    const { data: pixels } = await data.train.image(0);
    plain.images.forEach((value, i) => {
      const [r, g, b] = pixels.subarray(3 * i);
      expect(Math.abs(255 * value - (0.299 * r + 0.587 * g + 0.114 * b))).toBeLessThan(0.51);
    });
    const [flipped] = await collect(batches(data, { ...of, augment: { pad: 0, flip: true } }));
    expect([...flipped.images].sort()).toEqual([...plain.images].sort());
  });

  it("refuse what does not fit before any work", async () => {
    const data = glyphs();
    expect(() => batches(data, options(data, { batch: 51 }))).toThrow(
      /batches of 51 from 50 train images: use a batch of at most 50/,
    );
    expect(() => batches(data, options(data, { batch: 0 }))).toThrow(/batch size 0/);
    expect(() => batches(data, { ...options(data), workers: -1 })).toThrow(/-1 workers/);
  });
});

describe("worker threads", () => {
  it("end when the loop is left early", async () => {
    const before = threads();
    const data = glyphs();
    let during = 0;
    for await (const b of batches(data, { ...options(data, { batch: 4 }), workers: 2 })) {
      during = threads();
      expect(b.count).toBe(4);
      break;
    }
    expect(during).toBe(before + 2);
    expect(threads()).toBe(before);
  });

  it("end on an abort, which reaches the loop", async () => {
    const before = threads();
    for (const workers of [0, 1]) {
      const data = glyphs();
      const controller = new AbortController();
      const o = { ...options(data, { batch: 4, signal: controller.signal }), workers };
      let n = 0;
      const loop = async () => {
        for await (const b of batches(data, o)) {
          n += b.count;
          controller.abort(new Error("stopped by the user"));
        }
      };
      await expect(loop()).rejects.toThrow("stopped by the user");
      expect(n).toBe(4);
    }
    expect(threads()).toBe(before);
  });

  it("stay from epoch to epoch with a loader, until it is closed", async () => {
    const before = threads();
    const data = glyphs();
    const loader = openLoader(data, { workers: 1 });
    for (const epoch of [0, 1, 2]) {
      const got = [];
      for await (const b of loader.batches(options(data, { epoch }))) {
        got.push(b);
        if (epoch === 1) break;
      }
      expect(got).toHaveLength(epoch === 1 ? 1 : 3);
      expect(threads()).toBe(before + 1);
    }
    await loader.close();
    await loader.close();
    expect(threads()).toBe(before);
  });

  it("report a truncated photograph by name, in its turn", async () => {
    const folder = await mkdtemp(join(tmpdir(), "onebit-loader-"));
    const photo = await sharp({
      create: { width: 40, height: 30, channels: 3, background: "#a63" },
    })
      .jpeg()
      .toBuffer();
    for (const part of ["train/a", "test/a"]) await mkdir(join(folder, part), { recursive: true });
    for (let i = 0; i < 6; i++) {
      const data = i === 4 ? photo.subarray(0, photo.length - 60) : photo;
      await writeFile(join(folder, "test/a", `${i}.jpg`), data);
    }
    await writeFile(join(folder, "train/a/0.jpg"), photo);
    const data = await openDataset(`folder:${folder}`);
    for (const workers of [0, 1, 2]) {
      const before = threads();
      const preprocess = preprocessFor(data, { size: [16, 16] });
      let n = 0;
      const loop = async () => {
        const o = { split: "test", batch: 2, preprocess, workers } as const;
        for await (const b of batches(data, o)) n += b.count;
      };
      await expect(loop()).rejects.toThrow(/test\/a\/4\.jpg: cannot be decoded/);
      expect(n).toBe(4);
      expect(threads()).toBe(before);
    }
    const preprocess = { ...preprocessFor(data, { size: [16, 16] }), resize: 8 };
    const small = collect(batches(data, { split: "test", batch: 2, preprocess }));
    await expect(small).rejects.toThrow(
      /0\.jpg: image of 40x30 becomes 10x8, but the network takes 16x16/,
    );
    await rm(folder, { recursive: true });
  });
});

/** Two grey 2x2 images. */
function memoryDataset(): Dataset {
  const split = memorySplit({
    kind: "memory",
    pixels: Uint8Array.of(0, 255, 0, 255, 9, 9, 9, 9),
    labels: Int32Array.of(0, 1),
    width: 2,
    height: 2,
    channels: 1,
    files: [],
  });
  const base = { spec: "memory", name: "memory", classes: ["a", "b"], notes: [] };
  return { ...base, channels: 1, size: [2, 2], train: split, test: split, mean: [0.5], std: [0.5] };
}
