import { cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { parseOverrides, resolveRecipe, train } from "@onebit/train";
import { beforeAll, describe, expect, it } from "vitest";
import { colourPicture, writeColours } from "../test-support/colours.js";
import { temporaryFolder } from "../test-support/folder.js";
import { onebit } from "../test-support/run-cli.js";

const path = temporaryFolder();
const OVERRIDES = ["epochs=2", "batch=3", "microBatch=null"];
const TRAIN = ["train", "plain", "--model", "linear", "--input", "3x4x4", "--threads", "1"];
const training = (data: string, out: string, ...flags: string[]) =>
  onebit(...TRAIN, "--data", `folder:${path(data)}`, "--out", path(out), ...flags);
const set = OVERRIDES.flatMap((override) => ["--set", override]);

beforeAll(() => writeColours(path("data"), { red: "red", green: "green" }, 3));

describe("a run among its own pictures", () => {
  it.each([["data/train"], ["data/train/red/run"], ["data/test/green"]])(
    "is refused in %s, and nothing is written",
    async (out) => {
      const before = (await readdir(path("data"), { recursive: true })).sort();
      const { status, stderr } = await training("data", out, ...set);
      expect([status, stderr]).toEqual([
        2,
        expect.stringMatching(
          /lies among the pictures of folder:.*choose another folder \(--out\)/,
        ),
      ]);
      expect((await readdir(path("data"), { recursive: true })).sort()).toEqual(before);
    },
  );

  it("is refused where a file has its name", async () => {
    await writeFile(path("file"), "");
    const { status, stderr } = await training("data", "file", ...set);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/file: it is a file, and a folder/),
    ]);
  });
});

describe("a class of which nothing can be decoded", () => {
  it("is no class to train, with --skip-bad neither", async () => {
    await cp(path("data"), path("broken"), { recursive: true });
    for (const n of [0, 1, 2]) await writeFile(path(`broken/train/red/${n}.png`), "none");
    const { status, stderr } = await training("broken", "nothing", "--skip-bad", ...set);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/no training image of "red" can be decoded: replace them, or remove/),
    ]);
  });
});

describe("a run whose data have changed since", () => {
  beforeAll(async () => {
    const interruption = new AbortController();
    const stopped = train(resolveRecipe("plain", parseOverrides(OVERRIDES)), {
      ...{ model: { name: "linear", input: [3, 4, 4] }, data: `folder:${path("data")}` },
      ...{ out: path("cut"), threads: 1, signal: interruption.signal },
      onEvent: (event) => {
        if (event.event === "saved" && event.epoch === 1) interruption.abort();
      },
    });
    await expect(stopped).rejects.toThrow(/stopped/);
  });

  const resume = (...flags: string[]) =>
    onebit("train", "--resume", "--out", path("cut"), ...flags);

  it("does not go on with other pictures, though as many", async () => {
    const before = await readFile(path("data/train/red/1.png"));
    await writeFile(
      path("data/train/red/1.png"),
      Buffer.concat([await colourPicture("green"), Buffer.alloc(9)]),
    );
    const { status, stderr } = await resume();
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/the images of folder:.* are others than when the run was begun/),
    ]);
    await writeFile(path("data/train/red/1.png"), before);
  });

  it("names what there is less of", async () => {
    await rename(path("data/train/red/1.png"), path("1.png"));
    const { status, stderr } = await resume();
    expect([status, stderr]).toEqual([2, expect.stringMatching(/data\.trainImages \(6, now 5\)/)]);
    await rename(path("1.png"), path("data/train/red/1.png"));
  });

  it("goes on where they were moved to, once it is told", async () => {
    await rename(path("data"), path("moved"));
    const lost = await resume();
    expect([lost.status, lost.stderr]).toEqual([
      2,
      expect.stringMatching(
        /there is no folder .*data\. If .* were moved, say where to: --data SPEC/,
      ),
    ]);
    const found = await resume("--data", `folder:${path("moved")}`);
    expect([found.status, found.stderr]).toEqual([0, expect.stringMatching(/^epoch +2\/2/m)]);
    await rm(path("moved"), { recursive: true });
  });
});
