import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { readRun, recipes } from "@onebit/train";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { randomStream } from "../../../core/src/test-support/draw.js";
import { temporaryFolder } from "../test-support/folder.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";
import { SCENES, writeScenes } from "../test-support/scenes.js";

const path = temporaryFolder();

describe("train --data folder:DIR", () => {
  let printed: { status: number; stdout: string; stderr: string };
  beforeAll(async () => {
    await writeScenes(path("my scenes"), 7);
    const args = ["train", "--data", `folder:${path("my scenes")}`, "--out", path("a run")];
    // Short, but otherwise as it comes.
    printed = await onebit(...args, "--epochs", "2", "--threads", "1");
  }, 60_000);

  it("says what it will do, and what would be better", () => {
    const { status, stderr } = printed;
    expect(status).toBe(0);
    expect(stderr).toMatch(/recipe photographs$/m);
    expect(stderr).toMatch(/^18 training and 3 test images, 3 classes; the network sees 64x64 /m);
    expect(stderr).toMatch(
      /^note: class folders alone: 3 of 21 pictures, some of each class, are set aside for/m,
    );
    expect(stderr).toMatch(
      /warning 6 training images of each class: results get much better with 50 and more/,
    );
    expect(stderr).not.toMatch(/undefined|NaN/);
  });

  it("packs what it trained, with its classes, and says its accuracy", async () => {
    const [, right, top1] = /^(\d) of 3 test images right: ([\d.]+) % \(so few/m.exec(
      printed.stdout,
    )!;
    const packed = path("a run", "model.onebit");
    expect(printed.stdout).toContain(`${packed}: `);
    const data = ["--data", `folder:${path("my scenes")}`];
    type Evaluation = { readonly top1: number; readonly classes: readonly string[] };
    const evaluated = await onebitJson<Evaluation>("eval", packed, ...data);
    expect(evaluated.classes).toEqual(SCENES);
    expect(evaluated.top1).toBeCloseTo(Number(right) / 3, 9);
    expect((100 * evaluated.top1).toFixed(1)).toBe(top1);
    const { recipe, result } = await readRun(path("a run"));
    // Not the luckiest epoch, but the last.
    expect(recipe.keep).toBe("last");
    expect(result?.best).toEqual({ epoch: 2, top1: evaluated.top1 });
  });

  it("says a command that names a photograph, with paths as a shell takes them", async () => {
    const command = /^Try it: npx onebit (.*)$/m.exec(printed.stdout)![1];
    const words = [...command.matchAll(/'([^']*)'|\S+/g)].map((found) => found[1] ?? found[0]);
    expect(words.slice(0, 2)).toEqual(["run", path("a run", "model.onebit")]);
    type Ran = { readonly top: readonly { readonly label: string }[] };
    const [{ top }] = await onebitJson<Ran[]>(...words);
    expect(top.map(({ label }) => label).sort()).toEqual(SCENES);
  });

  it("small folders may start from the network that quickstart leaves, as is said", () => {
    const { stdout } = printed;
    expect(stdout).toMatch(
      /^Few pictures\? npx onebit quickstart, then .* --init runs\/quickstart$/m,
    );
    const { quickstart, photographs } = recipes;
    expect([photographs.model, photographs.switches]).toEqual([
      quickstart.model,
      quickstart.switches,
    ]);
  });

  it("says nothing of that network to one that is another", async () => {
    const args = ["train", "--data", `folder:${path("my scenes")}`, "--out", path("grey")];
    const { status, stdout } = await onebit(...args, "--epochs", "1", "--input", "1x32x32");
    expect([status, stdout]).toEqual([0, expect.not.stringContaining("Few pictures?")]);
  });
});

/** Stripes of any two colours and any width, lying or standing. */
async function stripes(folder: string, isLying: boolean, count: number, seed: number) {
  const random = randomStream(seed);
  await mkdir(path(folder), { recursive: true });
  for (let i = 0; i < count; i++) {
    const [width, height] = [60 + 40 * random(), 60 + 40 * random()].map(Math.round);
    const [a, b] = [0, 1].map(() => [0, 1, 2].map(() => 255 * random()));
    const [period, phase] = [8 + 8 * random(), 8 * random()];
    const data = Uint8Array.from({ length: width * height * 3 }, (_, p) => {
      const pixel = Math.floor(p / 3);
      const at = isLying ? Math.floor(pixel / width) : pixel % width;
      return (at + phase) % period < period / 2 ? a[p % 3] : b[p % 3];
    });
    const picture = sharp(data, { raw: { width, height, channels: 3 } });
    await picture.jpeg().toFile(path(folder, `${i}.jpg`));
  }
}

it("learns what a few dozen pictures show", async () => {
  for (const [k, [part, count]] of (
    [
      ["train", 30],
      ["test", 20],
    ] as const
  ).entries()) {
    await stripes(`stripes/${part}/lying`, true, count, 2 * k);
    await stripes(`stripes/${part}/standing`, false, count, 2 * k + 1);
  }
  const args = ["train", "--data", `folder:${path("stripes")}`, "--out", path("striped")];
  const short = ["--set", "fit.leastSteps=150", "--input", "3x32x32", "--threads", "1"];
  const { packed } = await onebitJson<{ packed: { top1: number } }>(...args, ...short);
  expect(packed.top1).toBeGreaterThanOrEqual(0.9);
}, 180_000);

/** Pictures of one colour, so many in each class. */
async function pictures(folder: string, classes: { [name: string]: number }, side = 40) {
  const background = "#48a";
  const picture = sharp({ create: { width: side, height: side, channels: 3, background } });
  const bytes = await picture.jpeg().toBuffer();
  for (const [name, count] of Object.entries(classes)) {
    for (let i = 0; i < count; i++) {
      const file = path(folder, name, `${i}.jpg`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  }
}

describe("a folder that cannot be trained on says what is wrong and what to do", () => {
  const training = (folder: string) =>
    onebit("train", "--data", `folder:${path(folder)}`, "--out", path("none"), "--epochs", "1");

  it.each<[string, (folder: string) => Promise<void>, RegExp]>([
    [
      "one picture in each class",
      (folder) => pictures(folder, { a: 1, b: 1, c: 1 }),
      /no class has two pictures, .*: add pictures \(50 or more of each class are wanted.*test\/ folder/,
    ],
    [
      "one class",
      (folder) => pictures(folder, { cat: 9 }),
      /"cat" is the only class: there is nothing to tell it from. Put the pictures of each other/,
    ],
    [
      "pictures of one pixel",
      (folder) => pictures(folder, { a: 4, b: 4 }, 1),
      /shorter side of its pictures is 1 pixel: too few .* Put the originals there/,
    ],
    [
      "no pictures",
      async (folder) => {
        await mkdir(path(folder, "cat"), { recursive: true });
        await writeFile(path(folder, "cat", "notes.txt"), "meow");
      },
      /cat: holds no images \(\.jpg, .*\): add some or remove the folder/,
    ],
    [
      "pictures without class folders",
      async (folder) => {
        await pictures(folder, { ".": 3 });
      },
      /has no class folders: put the images of each class into a folder of its name/,
    ],
  ])("%s", async (name, make, message) => {
    const folder = name.replaceAll(" ", "-");
    await make(folder);
    const { status, stdout, stderr } = await training(folder);
    expect(stderr).toMatch(message);
    expect([status > 0, stdout]).toEqual([true, ""]);
    expect(await readdir(path())).not.toContain("none");
  });

  it("one and many pictures train, with a warning", async () => {
    await pictures("uneven", { few: 1, many: 40 });
    const { status, stderr } = await training("uneven");
    expect(status).toBe(0);
    expect(stderr).toMatch(/without test images: "few"/);
    expect(stderr).toMatch(
      /"few" has 1 training image, "many" 32: .*right for 100\.0 % of the test/,
    );
  });
});
