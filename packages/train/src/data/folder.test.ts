import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { normalize } from "onebit/image";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import { prepare } from "./augment/index.js";
import { type Dataset, openDataset, preprocessFor } from "./dataset.js";
import { rng } from "./random.js";
import type { Split } from "./split.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-folder-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(path: string, data: Buffer | string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), data);
}

const picture = (channels: 1 | 3 = 3, width = 6) => {
  const data = Buffer.alloc(width * 4 * channels, 90);
  const image = sharp(data, { raw: { width, height: 4, channels } });
  return image
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .png()
    .toBuffer();
};

const open = () => openDataset(`folder:${folder}`);

describe("folder", () => {
  it("reads train/ and val/", async () => {
    const png = await picture();
    await put("train/dog/b.PNG", await picture(3, 7));
    await put("train/dog/a.png", png);
    await put("train/dog/notes.txt", "");
    await put("train/cat/c.png", png);
    await put("val/cat/d.png", png);
    await put(".hidden/x.png", png);
    const d = await open();
    expect(d.classes).toEqual(["cat", "dog"]);
    expect(d.channels).toBe(3);
    expect(d.size).toBeUndefined();
    expect([0, 1, 2].map((i) => d.train.label(i))).toEqual([0, 1, 1]);
    expect(d.train.source(1)).toBe(join(folder, "train/dog/a.png"));
    expect(d.test.length).toBe(1);
    expect(await d.test.image(0)).toMatchObject({ width: 6, height: 4, channels: 3 });
    expect(d.notes.join("; ")).toMatch(
      /left out: 1 entry without the endings .*without test images: "dog"/,
    );
    expect(preprocessFor(d, { size: [224, 224] })).toMatchObject({ resize: 256, crop: "center" });
    expect(() => preprocessFor(d)).toThrow(/images differ in size/);
  });

  it("sets a fifth of each class aside where there is no test folder, by name alone", async () => {
    const png = await picture();
    for (let i = 0; i < 60; i++) await put(`${i % 2 ? "odd" : "even"}/${i}.png`, png);
    const names = (split: { length: number; source(i: number): string }) =>
      Array.from({ length: split.length }, (_, i) => split.source(i));
    const d = await open();
    expect(d.train.length + d.test.length).toBe(60);
    const counts = [0, 0];
    for (let i = 0; i < d.test.length; i++) counts[d.test.label(i)]++;
    expect(counts).toEqual([6, 6]);
    expect(d.notes[0]).toMatch(
      /class folders alone: 12 of 60 pictures, some of each class, are set aside .*; pictures that are all for testing go into test\/CLASS\//,
    );
    const both = new Set([...names(d.train), ...names(d.test)]);
    expect(both.size).toBe(60);
    expect(names((await open()).test)).toEqual(names(d.test));
    // One more image moves one of the others at most.
    await put("odd/extra.png", png);
    const more = new Set(names((await open()).test));
    expect(names(d.test).filter((name) => !more.has(name)).length).toBeLessThanOrEqual(1);
  });

  it.each([
    [60, 12],
    [150, 20],
    [400, 40],
  ])("of %i pictures of a class sets %i aside", async (count, tests) => {
    await put("b/only.png", "");
    for (let i = 0; i < count; i++) await put(`a/${i}.png`, "");
    const d = await open();
    expect([d.train.length, d.test.length]).toEqual([count + 1 - tests, tests]);
    expect(d.notes).toContain('without test images: "b"');
  });

  it("takes small pictures that are all alike as they are, and tells the usual side of others", async () => {
    for (let i = 0; i < 4; i++) {
      const blank = { width: 28, height: 24, channels: 3, background: "#888" } as const;
      await put(`${i % 2}/${i}.png`, await sharp({ create: blank }).png().toBuffer());
    }
    expect(await open()).toMatchObject({ size: [24, 28], side: 24 });
    const large = { width: 300, height: 200, channels: 3, background: "#888" } as const;
    await put("0/6.png", await sharp({ create: large }).png().toBuffer());
    const mixed = await open();
    expect(mixed.size).toBeUndefined();
    expect(mixed.side).toBe(24);
  });

  it("keeps at least one image per class on either side", async () => {
    const png = await picture();
    for (const name of ["a", "b", "c", "d"]) {
      for (let i = 0; i < 2; i++) await put(`train/${name}/${i}.png`, png);
    }
    const d = await open();
    expect([d.train.length, d.test.length]).toEqual([4, 4]);
    expect(d.notes[0]).toMatch(/no labelled test\/ or val\/ folder/);
  });

  it("is grey if all probed images are, and takes others for either network", async () => {
    const grey = await picture(1);
    for (let i = 0; i < 30; i++) await put(`train/a/${String(i).padStart(2, "0")}.png`, grey);
    await put("test/a/x.png", grey);
    expect((await open()).channels).toBe(1);
    await put("train/a/01.png", await picture(3));
    const d = await open();
    expect(d.channels).toBe(1);
    const odd = await d.train.image(1);
    expect(odd.channels).toBe(3);
    for (const resizedCrop of [false, true]) {
      const random = rng(0, "test");
      const p = preprocessFor(d, { size: [4, 5] });
      const prepared = [await d.train.image(0), odd].map((image) =>
        prepare(image, p, { resizedCrop, pad: 1, flip: true }, random),
      );
      expect(prepared.map((image) => image.data.length)).toEqual([20, 20]);
      const colour = preprocessFor(d, { size: [4, 5], channels: 3 });
      const out = new Float32Array(60);
      normalize(prepare(await d.train.image(0), colour), colour, out);
      expect(out.slice(0, 20)).toEqual(out.slice(40));
    }
    await put("test/a/x.png", await picture(3));
    await put("train/a/00.png", await picture(3));
    expect((await open()).channels).toBe(3);
  });

  it("refuses folders that cannot be meant", async () => {
    await expect(open()).rejects.toThrow(/has no class folders/);
    await put("test/a/x.png", await picture());
    await mkdir(join(folder, "train"));
    await expect(open()).rejects.toThrow(/train: has no class folders/);
    await mkdir(join(folder, "train/b"));
    await expect(open()).rejects.toThrow(/train\/b: holds no images \(.jpg, .jpeg, .png/);
    await put("train/b/y.png", await picture());
    await expect(open()).rejects.toThrow(/test\/a: there is no such class in .*train/);
    await rm(join(folder, "test"), { recursive: true });
    await expect(open()).rejects.toThrow(/no class has two pictures/);
  });

  describe("as they are in the world", () => {
    const counts = (d: Dataset) =>
      d.classes.map((name, k) => {
        const of = ({ length, label }: Split) =>
          Array.from({ length }, (_, i) => label(i)).filter((l) => l === k).length;
        return [name, of(d.train), of(d.test)];
      });
    const fill = async (paths: string[]) => {
      const png = await picture();
      for (const path of paths) await put(path, png);
    };

    it.each(["valid", "validation", "VAL", "Test", "testing"])(
      "%s/ is a test folder",
      async (t) => {
        await fill(["Train/a/1.png", "Train/b/1.png", `${t}/a/2.png`, `${t}/b/3.png`]);
        const d = await open();
        expect([counts(d), d.notes]).toEqual([
          [
            ["a", 1, 1],
            ["b", 1, 1],
          ],
          [],
        ]);
      },
    );

    it.each([["test/1.png"], ["test/images/1.png"], ["test/unknown/1.png"]])(
      "an unlabelled %s is not used, and the next one is",
      async (unlabelled) => {
        await fill(["train/a/1.png", "val/a/2.png", unlabelled]);
        const d = await open();
        expect(counts(d)).toEqual([["a", 1, 1]]);
        expect(d.notes).toEqual([expect.stringMatching(/^test\/ has no class folders.*not used/)]);
      },
    );

    it("sets aside where only an unlabelled test/ is", async () => {
      await fill(["train/a/1.png", "train/a/2.png", "test/1.png"]);
      const d = await open();
      expect([d.train.length, d.test.length, d.notes.length]).toEqual([1, 1, 2]);
    });

    it("reads deeper folders and any case, and leaves what systems leave", async () => {
      await fill([
        ...["train/a/images/1.JPEG", "train/a/x/y/2.Png", "train/a/._1.png", "train/a/Thumbs.db"],
        ...["train/a/.DS_Store", "train/.ipynb_checkpoints/1.png", "__MACOSX/train/a/._1.png"],
        ...["train/b/1.png", "train/__MACOSX/a/1.png", "train/stray.png", "val/a/1.png"],
      ]);
      await put("train/desktop.ini", "");
      const d = await open();
      expect(counts(d)).toEqual([
        ["a", 2, 1],
        ["b", 1, 0],
      ]);
      expect(d.notes).toEqual([
        expect.stringMatching(/left out: 1 image in .*train, outside the class folders/),
        'without test images: "b"',
      ]);
    });

    it("opens a test folder alone, to evaluate on", async () => {
      await fill(["val/a/1.png", "val/b/1.png"]);
      await mkdir(join(folder, "val/c"));
      const d = await open();
      expect(counts(d)).toEqual([
        ["a", 0, 1],
        ["b", 0, 1],
        ["c", 0, 0],
      ]);
      expect(d.notes).toEqual(["no train/ folder: only val/, to evaluate on"]);
    });

    it("matches names in composed and decomposed characters, and in other letter case", async () => {
      const name = "caf\u00e9";
      await fill([`train/${name}/1.png`, "train/The/1.png"]);
      await fill([`test/${name.normalize("NFD")}/2.png`, "test/the/3.png"]);
      const d = await open();
      expect(counts(d)).toEqual([
        ["The", 1, 1],
        [name, 1, 1],
      ]);
      expect(d.notes).toEqual(['classes written differently: "the" as "The"']);
      await fill([`train/${name.normalize("NFD")}/9.png`]);
      const merged = await open();
      expect(counts(merged)).toEqual([
        ["The", 1, 1],
        [name, 2, 1],
      ]);
      expect(merged.notes[0]).toMatch(/2 folders are called "caf\u00e9" in other bytes: one class/);
    });

    it("orders numbers as numbers", async () => {
      await fill(["10", "2", "1", "0"].flatMap((k) => [`train/${k}/1.png`, `test/${k}/1.png`]));
      const d = await open();
      expect(d.classes).toEqual(["0", "1", "2", "10"]);
      expect(d.notes).toEqual([expect.stringMatching(/in the order of numbers/)]);
    });

    it("follows links, and survives those that lead in a circle or to nowhere", async () => {
      await fill(["train/a/1.png", "elsewhere/2.png", "test/a/1.png"]);
      await rename(join(folder, "elsewhere"), join(folder, ".elsewhere"));
      await symlink(join(folder, ".elsewhere"), join(folder, "train/a/linked"));
      await symlink(join(folder, "train"), join(folder, "train/a/circle"));
      await symlink("/nowhere/at/all", join(folder, "train/a/z.png"));
      const d = await open();
      expect(counts(d)).toEqual([["a", 3, 1]]);
      await expect(d.train.image(2)).rejects.toThrow(/z\.png: cannot be read \(there is no such/);
    });

    it("gives no class the pictures of others through a link back", async () => {
      await fill(["a/1.png", "a/2.png", "b/1.png", "b/2.png"]);
      await symlink("..", join(folder, "a/back"));
      expect(counts(await open())).toEqual([
        ["a", 1, 1],
        ["b", 1, 1],
      ]);
      await symlink(".", join(folder, "c"));
      await expect(open()).rejects.toThrow(
        /\/c: is a link to the folder that it lies in: remove it/,
      );
    });

    it("takes order and names from a file beside", async () => {
      await fill(["train/b/1.png", "train/a/1.png", "test/a/1.png", "test/b/1.png"]);
      await put("classes.txt", "b\r\na\r\nc\r\n");
      expect((await open()).classes).toEqual(["b", "a"]);
      await put("classes.txt", "one\ntwo\n");
      const unused = await open();
      expect(unused.classes).toEqual(["a", "b"]);
      expect(unused.notes).toEqual([expect.stringMatching(/names none of the class folders/)]);
      await put("classes.txt", "a\n");
      await expect(open()).rejects.toThrow(/classes\.txt: does not name 1 of 2 class folders: "b"/);
      await rm(join(folder, "classes.txt"));
      await put("words.txt", "z\tzebra\nb\tbee, Apis\na\tant\n");
      const named = await open();
      expect([named.classes, named.folders]).toEqual([
        ["bee, Apis", "ant"],
        ["b", "a"],
      ]);
      expect(named.test.label(0)).toBe(0);
      expect(named.test.source(0)).toMatch(/test\/b/);
    });

    it("knows ImageNet's classes by their WordNet ids", async () => {
      await fill(["train/n01443537/1.png", "train/n01440764/1.png", "val/n01440764/1.png"]);
      const d = await open();
      expect([d.classes, d.folders, d.imagenet]).toEqual([
        ["tench", "goldfish"],
        ["n01440764", "n01443537"],
        [0, 1],
      ]);
      expect(d.notes[0]).toMatch(/named as in ImageNet/);
      await fill(["train/n99999999/1.png"]);
      const other = await open();
      expect([other.classes[0], other.folders, other.imagenet]).toEqual([
        "n01440764",
        undefined,
        undefined,
      ]);
    });

    it("reads Tiny ImageNet, whose validation images lie together", async () => {
      await fill(["train/n1/images/1.JPEG", "train/n2/images/1.JPEG", "test/images/1.JPEG"]);
      await fill(["val/images/1.JPEG", "val/images/2.JPEG"]);
      await put("val/val_annotations.txt", "1.JPEG\tn2\t0\t0\n2.JPEG\tn1\t0\t0\n");
      const d = await open();
      expect(counts(d)).toEqual([
        ["n1", 1, 1],
        ["n2", 1, 1],
      ]);
      expect(d.test.source(0)).toMatch(/2\.JPEG$/);
      await fill(["val/images/3.JPEG"]);
      await expect(open()).rejects.toThrow(/does not say the class of .*3\.JPEG/);
    });

    it("refuses a data set inside the folder, which would be one class", async () => {
      await fill(["set/train/a/1.png", "set/train/b/1.png"]);
      await expect(open()).rejects.toThrow(/set: holds train\/ and so is a data set itself/);
    });

    it("refuses parts of a data set of other names, and classes one level too deep", async () => {
      const png = await picture();
      for (const part of ["seg_train", "seg_test"]) await put(`${part}/a/0.png`, png);
      await expect(open()).rejects.toThrow(/seg_train, .*seg_test: .*call them train and test/);
      await rm(join(folder, "seg_test"), { recursive: true });
      await put("seg_train/b/0.png", png);
      await expect(open()).rejects.toThrow(/seg_train: would be the only class.*"a", "b"/);
    });

    it("knows training_set/ and Test-Images/", async () => {
      const png = await picture();
      for (const part of ["training_set", "Test-Images"]) await put(`${part}/a/0.png`, png);
      expect(await open()).toMatchObject({ train: { length: 1 }, test: { length: 1 } });
    });

    it("tells grey from colour by the pictures that can be read", async () => {
      await put("train/a/0.png", "broken");
      await put("train/a/1.png", await picture(1));
      await put("test/a/1.png", "");
      expect((await open()).channels).toBe(1);
    });
  });

  it("reads photographs, and names a truncated one", async () => {
    const photos = shared("data/imagenet-samples/images");
    if (!photos) return;
    await mkdir(join(folder, "train/fish"), { recursive: true });
    await mkdir(join(folder, "test/fish"), { recursive: true });
    await symlink(join(photos, "n01440764_tench.JPEG"), join(folder, "train/fish/tench.JPEG"));
    const ray = await readFile(join(photos, "n01498041_stingray.JPEG"));
    await writeFile(join(folder, "test/fish/ray.jpeg"), ray.subarray(0, ray.length >> 1));
    await put("test/fish/whole.jpeg", ray);
    const d = await open();
    const image = await d.train.image(0);
    const { width, height } = await sharp(join(photos, "n01440764_tench.JPEG")).metadata();
    expect(image).toMatchObject({ width, height, channels: 3 });
    expect(image.data).toHaveLength(image.width * image.height * 3);
    await expect(d.test.image(0)).rejects.toThrow(/ray\.jpeg: cannot be decoded/);
    expect((await d.test.image(1)).channels).toBe(3);
  });
});
