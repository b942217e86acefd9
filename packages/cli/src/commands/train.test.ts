import { mkdir, readdir, readFile } from "node:fs/promises";
import { readRun, type TrainEvent } from "@onebit/train";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const data = () => ["--data", `idx:${path("idx")}`];
const small = ["--batch", "16", "--threads", "1"];
const bnext = ["--model", "bnext", "--widths", "8,8", ...small];

beforeAll(() => writeIdxFolder(path("idx")));

interface Result {
  readonly epochs: number;
  readonly best: { readonly epoch: number; readonly top1: number };
  readonly out: string;
}

describe("train", () => {
  it("chooses the epoch on images that it holds back, and says what the test images say then", async () => {
    const args = ["train", ...data(), "--model", "linear", ...small, "--epochs", "2"];
    const out = path("held-back");
    const { stdout, stderr, status } = await onebit(...args, "--validation", "0.25", "--out", out);
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(/^36 training, 12 held-back and 24 test images, 4 classes/m);
    expect(stderr.match(/^epoch +\d\/2 .*validation +[\d.]+ %/gm)).toHaveLength(2);
    expect(stderr).toMatch(
      /best validation top-1 [\d.]+ % after epoch \d; test top-1 [\d.]+ %, in /,
    );
    const more = await onebit("train", "--resume", "--out", out, "--validation", "0.5");
    expect(more).toMatchObject({ status: 2 });
    expect(more.stderr).toMatch(/cannot go on with another data\./);
  });

  it.each(["0", "1", "x"])("refuses to hold back %s", async (share) => {
    const { status, stderr } = await onebit("train", ...data(), "--validation", share);
    expect(status).toBe(2);
    expect(stderr).toMatch(/--validation .: a share above 0 and below 1 is wanted, such as 0\.1/);
  });

  it("leaves a run whose best network evaluates to the accuracy that it printed", async () => {
    const out = path("run");
    const args = ["train", ...data(), ...bnext, "--epochs", "3", "--out", out];
    const { status, stdout, stderr } = await onebit(...args, "--set", "schedule.learningRate=0.01");
    expect(status).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[1]).toMatch(/^\d+ of 24 test images right: [\d.]+ % \(so few images tell that/);
    expect(lines[2]).toMatch(/run\/model\.onebit: [\d.]+ kB, classes 0, 1, 2, 3$/);
    expect(lines[3]).toBe(`Try it: npx onebit run ${out}/model.onebit photo.jpg`);
    expect(stderr).toMatch(/^bnext \(934 parameters, 640 1-bit\), recipe plain$/m);
    expect(stderr).toMatch(
      /^48 training and 24 test images, 4 classes; the network sees 8x8 pixels, grey$/m,
    );
    expect(stderr).toMatch(/^3 epochs of 3 steps of 16 images, 1 thread, seed 0$/m);
    expect(stderr.match(/^epoch +\d\/3 .*test +[\d.]+ %/gm)).toHaveLength(3);
    expect(stderr).toMatch(/done in 0:\d\d: best test top-1 [\d.]+ % after epoch \d, in /);
    expect(stderr).not.toMatch(/undefined|NaN/);
    expect((await readdir(out)).sort()).toEqual([
      "best",
      "checkpoint",
      "metrics.jsonl",
      "model.onebit",
      "report.html",
      "run.json",
    ]);

    const { best } = (await readRun(out)).result!;
    const evaluated = await onebitJson<{ top1: number }>("eval", out, ...data());
    expect(evaluated.top1).toBe(best.top1);
    const packed = path("run", "model.onebit");
    expect(await onebitJson("eval", packed, ...data())).toMatchObject({ top1: best.top1 });
    expect((await readRun(out)).recipe).toMatchObject({
      epochs: 3,
      schedule: { learningRate: 0.01 },
    });
  });

  it("prints one line per event with --jsonl, and nothing for people", async () => {
    const args = ["train", ...data(), ...bnext, "--epochs", "2", "--out", path("lines"), "--jsonl"];
    const { status, stdout, stderr } = await onebit(...args);
    expect(status).toBe(0);
    expect(stderr).toBe("");
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as TrainEvent);
    const kinds = events.map(({ event }) => event);
    expect(kinds[0]).toBe("start");
    expect(kinds.at(-1)).toBe("done");
    expect(kinds.filter((kind) => kind === "step")).toHaveLength(6);
    expect(kinds.filter((kind) => kind === "epoch")).toHaveLength(2);
    expect(kinds).toContain("saved");
  });

  it("goes on with --resume, and starts over only with --overwrite", async () => {
    const out = path("again");
    const args = ["train", ...data(), "--model", "linear", ...small, "--epochs", "1", "--out", out];
    const first = await onebitJson<Result>(...args);
    expect(first).toMatchObject({ epochs: 1, best: { epoch: 1 }, out });
    const refused = await onebit(...args);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(
      /again: already holds a run: go on with it \(--resume\), replace it/,
    );
    expect(await onebitJson<Result>(...args, "--resume")).toMatchObject({ best: first.best });
    expect(await onebitJson<Result>(...args, "--overwrite")).toMatchObject({ best: first.best });
  });

  it("starts from another run with --init, with a new head for other classes", async () => {
    await writeIdxFolder(path("three"), { classes: 3 });
    const args = ["train", "--data", `idx:${path("three")}`, ...bnext, "--epochs", "1"];
    const { status, stderr } = await onebit(
      ...[...args, "--init", path("run"), "--out", path("tuned"), "--form", "binary"],
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/warning fc\.weight, fc\.bias start fresh: the class count differs/);
    expect((await readRun(path("tuned"))).init).toBe(path("run"));
  });

  it("takes the recipe's network with its switches, unless another is named", async () => {
    const quick = ["train", "quickstart", ...data(), ...small, "--epochs", "1"];
    await onebit(...quick, "--out", path("quick"), "--widths", "8,16");
    const { model } = await readRun(path("quick"));
    expect(model).toMatchObject({ name: "bnext", options: { widths: [8, 16], stemStride: 2 } });
    const real = [...quick, "--out", path("other"), "--model", "linear", "--form", "real"];
    const { stdout } = await onebit(...real);
    expect(stdout).toBe(`\nPack it: npx onebit pack ${path("other")} -o model.onebit\n`);
    const text = await readFile(path("other", "run.json"), "utf8");
    expect(JSON.parse(text).model).toMatchObject({ name: "linear" });
    expect(JSON.parse(text).model.options).not.toHaveProperty("stemStride");
  });
});

describe("photographs of several sizes", () => {
  beforeAll(async () => {
    for (const [name, background] of [
      ["dark", "#123"],
      ["light", "#edc"],
    ]) {
      await mkdir(path("photos", name), { recursive: true });
      for (let i = 0; i < 4; i++) {
        const create = { width: 20 + i, height: 24, channels: 3, background } as const;
        await sharp({ create })
          .jpeg()
          .toFile(path("photos", name, `${i}.jpg`));
      }
    }
  });
  const photos = () => ["train", "--data", `folder:${path("photos")}`, "--epochs", "1"];
  const inputOf = async (out: string) => {
    const { model, preprocess } = await readRun(path(out));
    return { ...model, ...preprocess };
  };

  it("are brought to --input", async () => {
    const args = [...photos(), "--model", "linear", "--batch", "2", "--threads", "1"];
    const { status } = await onebit(...args, "--input", "3x12x12", "--out", path("sized"));
    expect(status).toBe(0);
    expect(await inputOf("sized")).toMatchObject({
      ...{ size: [12, 12], channels: 3, options: { input: [3, 12, 12], classes: 2 } },
    });
  });

  it("else to what the architecture usually takes, and no more than the pictures have", async () => {
    const args = [...photos(), "--model", "linear", "--batch", "2", "--threads", "1"];
    expect((await onebit(...args, "--out", path("usual"))).status).toBe(0);
    expect(await inputOf("usual")).toMatchObject({
      size: [16, 16],
      options: { input: [3, 16, 16] },
    });
    const grey = await onebit(...args, "--input", "1x12x12", "--out", path("grey"));
    expect(grey.status).toBe(0);
    expect(grey.stderr).toMatch(/images are in colour, the network takes grey: they become grey/);
    expect(await inputOf("grey")).toMatchObject({ channels: 1, mean: [0.459] });
  });
});

describe("train refuses", () => {
  const cases: [string, string[], RegExp][] = [
    ["no data", [], /--data is missing: glyphs, idx:DIR/],
    [
      "to replace and to go on at once",
      ["--data", "glyphs", "--resume", "--overwrite"],
      /--resume does not go with --overwrite/,
    ],
    [
      "an unknown recipe",
      ["quickstar", "--data", "glyphs"],
      /unknown recipe "quickstar": did you mean "quickstart"/,
    ],
    [
      "an unknown data set",
      ["--data", "mnist"],
      /unknown data set "mnist": known are glyphs, idx:DIR/,
    ],
    ["a data path that is not there", ["--data", "idx:/nowhere"], /there is no folder \/nowhere/],
    [
      "an unknown field",
      ["--data", "glyphs", "--set", "epoch=3"],
      /unknown field "epoch": did you mean "epochs"/,
    ],
    ["a nested unknown field", ["--data", "glyphs", "--set", "clip.x=3"], /clip.*group/],
    ["a field without value", ["--data", "glyphs", "--set", "epochs"], /write field=value/],
    [
      "epochs that are none",
      ["--data", "glyphs", "--epochs", "many"],
      /--epochs many: a positive whole number/,
    ],
    [
      "an unknown option",
      ["--data", "glyphs", "--epoch", "3"],
      /unknown option '--epoch'[\s\S]*--epochs/,
    ],
    [
      "classes",
      ["--data", "glyphs", "--classes", "3"],
      /--classes: training takes them from the data/,
    ],
    [
      "a seed that is none",
      ["--data", "glyphs", "--seed", "-1"],
      /--seed -1: a whole number from 0/,
    ],
    [
      "both kinds of JSON",
      ["--data", "glyphs", "--json", "--jsonl"],
      /--jsonl does not go with --json/,
    ],
    [
      "a network's unknown switch",
      ["--data", "glyphs", "--model", "linear", "--no-elm"],
      /linear has no switch "elm"/,
    ],
  ];
  it.each(cases)("%s", async (_, args, message) => {
    const before = await readdir(path());
    const { status, stdout, stderr } = await onebit("train", ...args, "--out", path("refused"));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(await readdir(path())).toEqual(before);
  });
});
