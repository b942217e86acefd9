import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import { openDataset, preprocessFor } from "./dataset.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-folder-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(path: string, data: Buffer | string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), data);
}

const picture = (channels: 1 | 3 = 3) => {
  const data = Buffer.alloc(6 * 4 * channels, 90);
  const image = sharp(data, { raw: { width: 6, height: 4, channels } });
  return image
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .png()
    .toBuffer();
};

const open = () => openDataset(`folder:${folder}`);

describe("folder", () => {
  it("reads train/ and val/", async () => {
    const png = await picture();
    await put("train/dog/b.PNG", png);
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
    expect(d.notes.join("; ")).toMatch(/1 entries are not .*without test images: dog/);
    expect(preprocessFor(d, { size: [224, 224] })).toMatchObject({ resize: 256, crop: "center" });
    expect(() => preprocessFor(d)).toThrow(/images differ in size/);
  });

  it("sets a tenth aside where there is no test folder, by name alone", async () => {
    const png = await picture();
    for (let i = 0; i < 60; i++) await put(`${i % 2 ? "odd" : "even"}/${i}.png`, png);
    const names = (split: { length: number; source(i: number): string }) =>
      Array.from({ length: split.length }, (_, i) => split.source(i));
    const d = await open();
    expect(d.train.length + d.test.length).toBe(60);
    expect(d.test.length).toBeGreaterThanOrEqual(2);
    expect(d.test.length).toBeLessThan(14);
    expect(d.notes[0]).toMatch(/no train\/ folder: \d+ of 60 images were set aside for testing/);
    const both = new Set([...names(d.train), ...names(d.test)]);
    expect(both.size).toBe(60);
    const labels = new Set(Array.from({ length: d.test.length }, (_, i) => d.test.label(i)));
    expect(labels).toEqual(new Set([0, 1]));
    // One more image moves none of the others.
    await put("odd/extra.png", png);
    const more = await open();
    expect(names(more.test).filter((n) => !n.endsWith("extra.png"))).toEqual(names(d.test));
  });

  it("keeps at least one image per class on either side", async () => {
    const png = await picture();
    for (const name of ["a", "b", "c", "d"]) {
      for (let i = 0; i < 2; i++) await put(`train/${name}/${i}.png`, png);
    }
    const d = await open();
    expect([d.train.length, d.test.length]).toEqual([4, 4]);
    expect(d.notes[0]).toMatch(/no test\/ or val\/ folder/);
  });

  it("is grey if all images are, and names the odd one out", async () => {
    const grey = await picture(1);
    for (let i = 0; i < 30; i++) await put(`train/a/${String(i).padStart(2, "0")}.png`, grey);
    await put("test/a/x.png", grey);
    expect((await open()).channels).toBe(1);
    expect((await (await open()).train.image(0)).channels).toBe(1);
    await put("train/a/01.png", await picture(3));
    const d = await open();
    expect(d.channels).toBe(1);
    await expect(d.train.image(1)).rejects.toThrow(/01\.png: is in colour, the other images are/);
    await put("test/a/x.png", await picture(3));
    await put("train/a/00.png", await picture(3));
    const colour = await open();
    expect(colour.channels).toBe(3);
    expect((await colour.train.image(5)).data).toHaveLength(72);
  });

  it("refuses folders that cannot be meant", async () => {
    await expect(open()).rejects.toThrow(/has no class folders/);
    await put("test/a/x.png", await picture());
    await expect(open()).rejects.toThrow(/has test\/ but no train\//);
    await mkdir(join(folder, "train"));
    await expect(open()).rejects.toThrow(/train: has no class folders/);
    await mkdir(join(folder, "train/b"));
    await expect(open()).rejects.toThrow(/train\/b: holds no images \(.jpg, .jpeg, .png/);
    await put("train/b/y.png", await picture());
    await expect(open()).rejects.toThrow(/test\/a: there is no such class in .*train/);
    await symlink("/nowhere/at/all", join(folder, "train/b/z.png"));
    await expect(open()).rejects.toThrow(/z\.png: cannot be read \(a broken link\?\)/);
    await rm(join(folder, "train/b/z.png"));
    await rm(join(folder, "test"), { recursive: true });
    await expect(open()).rejects.toThrow(/no class has two images/);
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
