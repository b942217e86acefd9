import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "./dataset.js";
import { repeatedPictures } from "./repeated-pictures.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-repeated-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Files by name, each of the shade given: the same shade, the same bytes. */
async function notesOf(name: string, shades: { [file: string]: number }): Promise<string[]> {
  for (const [file, shade] of Object.entries(shades)) {
    const path = join(folder, name, file);
    await mkdir(dirname(path), { recursive: true });
    const pixels = Buffer.alloc(3 * 64, shade);
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } }).toFile(path);
  }
  const notes = await repeatedPictures(await openDataset(`folder:${join(folder, name)}`));
  return notes.map((note) => note.replaceAll(`${join(folder, name)}/`, ""));
}

it("names a picture that lies in two classes, and how many more there are", async () => {
  const notes = await notesOf("classes", {
    ...{ "train/cat/1.png": 10, "train/cat/2.png": 20, "train/cat/3.png": 30 },
    ...{ "train/dog/1.png": 20, "train/dog/4.png": 40, "test/cat/5.png": 50 },
    ...{ "test/dog/6.png": 30 },
  });
  expect(notes).toEqual([
    "train/cat/2.png and train/dog/1.png are the same picture, in two classes (and 1 other so): keep each in the one that it shows",
  ]);
});

it("names one that is learned and tested on", async () => {
  const notes = await notesOf("parts", {
    ...{ "train/cat/1.png": 10, "train/dog/2.png": 20 },
    ...{ "test/cat/3.png": 10, "test/dog/4.png": 40 },
  });
  expect(notes).toEqual([
    "train/cat/1.png and test/cat/3.png are the same picture, both learned and tested on: remove one, else the test is too easy",
  ]);
});

it("says nothing of copies in one class, empty files and links to nowhere", async () => {
  const shades = { "train/cat/1.png": 10, "train/cat/2.png": 10, "train/dog/3.png": 30 };
  await notesOf("fine", shades);
  for (const name of ["cat", "dog"]) {
    await writeFile(join(folder, "fine/train", name, "empty.png"), "");
    await symlink("nowhere.png", join(folder, "fine/train", name, "gone.png"));
  }
  expect(await notesOf("fine", { "test/cat/5.png": 50, "test/dog/6.png": 60 })).toEqual([]);
});
