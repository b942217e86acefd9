import { mkdir, readdir, writeFile } from "node:fs/promises";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();

interface Description {
  readonly classes: readonly string[];
  readonly images: { readonly train: number; readonly test: number };
  readonly perClass: { readonly train: readonly number[]; readonly test: readonly number[] };
  readonly size: readonly number[];
  readonly mean: readonly number[];
  readonly notes: readonly string[];
}

describe("data", () => {
  it("describes the generated characters without generating them", async () => {
    const data = await onebitJson<Description>("data", "glyphs");
    expect(data.classes.join("")).toBe("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    expect(data).toMatchObject({ images: { train: 12_000, test: 3_000 }, size: [32, 32] });
    expect(data.perClass.train.reduce((a, b) => a + b)).toBe(12_000);
  });

  it("describes a folder of idx files, and draws a sheet of it", async () => {
    await writeIdxFolder(path("idx"), { side: 8, train: 22, test: 9, classes: 3 });
    await writeFile(path("idx", "classes.txt"), "top\nmiddle\nbottom\n");
    const data = await onebitJson<Description>("data", `idx:${path("idx")}`);
    expect(data).toMatchObject({
      ...{ name: "idx", channels: 1, size: [8, 8], classes: ["top", "middle", "bottom"] },
      ...{ images: { train: 22, test: 9 }, perClass: { train: [8, 7, 7], test: [3, 3, 3] } },
    });

    const sheet = path("sheet.png");
    const { status, stdout, stderr } = await onebit(
      ...["data", `idx:${path("idx")}`, "--preview", sheet],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^images +22 train, 9 test, 8 x 8 pixels$/m);
    expect(stdout).toMatch(/^channels +1 \(grey\)$/m);
    expect(stdout).toMatch(/^middle +7 +3$/m);
    expect(stderr).toBe(`wrote ${sheet}\n`);
    const { format, width, height } = await sharp(sheet).metadata();
    expect({ format, width, height }).toEqual({ format: "png", width: 768, height: 192 });
    // The first picture of the first class is bright above and dark below.
    const brightness = async (top: number) => {
      const part = sharp(sheet).extract({ left: 0, top, width: 64, height: 20 });
      const pixels = await part.raw().toBuffer();
      return pixels.reduce((sum, value) => sum + value) / pixels.length;
    };
    expect(await brightness(0)).toBeGreaterThan((await brightness(32)) + 40);
  });

  it("says how a folder of photographs was read", async () => {
    for (const [name, background] of [
      ["red", "#f00"],
      ["blue", "#00f"],
    ]) {
      await mkdir(path("photos", name), { recursive: true });
      for (let i = 0; i < 3; i++) {
        const create = { width: 5 + i, height: 4, channels: 3, background } as const;
        await sharp({ create })
          .png()
          .toFile(path("photos", name, `${i}.png`));
      }
    }
    const { status, stdout, stderr } = await onebit("data", `folder:${path("photos")}`);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^images +4 train, 2 test, of several sizes$/m);
    expect(stdout).toMatch(/^mean, std +0\.4850.*0\.2250 \(ImageNet's, as is usual\)$/m);
    expect(stderr).toMatch(/2 of 6 pictures, some of each class, are set aside/);
    const folder = await onebitJson("data", `folder:${path("photos")}`);
    const idx = await onebitJson("data", `idx:${path("idx")}`);
    expect([folder, idx]).toMatchObject([{ normalisedAs: "ImageNet" }, { normalisedAs: null }]);
  });

  it("shows what a recipe makes of pictures, by class, and how fast", async () => {
    const { status, stdout, stderr } = await onebit(
      ...["data", `idx:${path("idx")}`, "--recipe", "plain", "--preview", path("seen.png")],
      ...["--set", "augment.mixup.alpha=1000", "--set", "augment.flip=1", "--speed"],
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: `wrote ${path("seen.png")}\n` });
    expect(stdout).toMatch(/^[\d,]+ pictures a second, by one thread$/m);
    const seen = sharp(path("seen.png"));
    const { width, height } = await seen.metadata();
    // A name of three tiles, then two pictures in six tiles each.
    expect([width, height]).toEqual([15 * 64, 3 * 64]);
    const grey = await seen.greyscale().raw().toBuffer();
    const at = (x: number, y: number) => grey[y * 960 + x];
    const names = [0, 1, 2].map((row) => {
      return grey
        .subarray(row * 64 * 960, (row + 1) * 64 * 960)
        .filter((v, i) => i % 960 < 192 && v < 128);
    });
    expect(names.every((ink) => ink.length > 20)).toBe(true);
    // The first picture, of class top, is bright above and dark below; mixed with one that is
    // bright below, it is about as bright everywhere.
    expect(at(200, 10) - at(200, 54)).toBeGreaterThan(40);
    expect(Math.abs(at(264, 10) - at(264, 54))).toBeLessThan(at(200, 10) - at(200, 54) - 20);
  });

  it.each([
    [
      ["--recipe", "plain"],
      2,
      /--recipe plain: say what to do with it: --preview sheet\.png, or --speed/,
    ],
    [["--recipe", "plan", "--speed"], 2, /unknown recipe "plan": did you mean "plain"/],
    [["--speed"], 2, /--recipe/],
    [["--recipe", "plain", "--speed", "--set", "augment.mixpu=1"], 2, /did you mean "mixup"\?/],
    [
      ["--recipe", "plain", "--speed", "--set", "augment.randAugment=rand-m7-x3"],
      2,
      /augment\.randAugment\.policy: "rand-m7-x3", character 9: unknown section "x3"/,
    ],
  ])("refuses %j", async (flags, wanted, message) => {
    const { status, stderr } = await onebit("data", `idx:${path("idx")}`, ...flags);
    expect({ status, stderr }).toEqual({ status: wanted, stderr: expect.stringMatching(message) });
  });

  it("leaves nothing behind where the sheet cannot be written", async () => {
    const before = await readdir(path());
    const { status, stderr } = await onebit(
      ...["data", `idx:${path("idx")}`, "--preview", path("nowhere", "sheet.png")],
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot write .*sheet\.png: there is no folder .*nowhere: create it/);
    expect(await readdir(path())).toEqual(before);
  });
});
