import { execFile } from "node:child_process";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseOverrides, resolveRecipe, train } from "@onebit/train";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { colourNetwork, colourPicture, writeColours } from "./test-support/colours.js";
import { temporaryFolder } from "./test-support/folder.js";
import { writeFloatModel } from "./test-support/networks.js";
import { onebit } from "./test-support/run-cli.js";

const path = temporaryFolder();

/** A PNG's header that claims 60000x60000 pixels. */
async function bomb(): Promise<Buffer> {
  const png = await colourPicture("red");
  png.writeUInt32BE(60_000, 16);
  png.writeUInt32BE(60_000, 20);
  return png;
}

/** What cannot be used: name and reason. */
const BAD: readonly (readonly [name: string, reason: RegExp])[] = [
  ["bomb.png", /cannot be decoded/],
  ["cut.jpg", /cannot be decoded/],
  ["empty.png", /cannot be decoded/],
  ["nowhere.png", /cannot be read \(there is no such file\)/],
  ["pipe.png", /is a named pipe, not a file/],
  ["text.jpg", /cannot be decoded/],
];

async function writeBad(folder: string): Promise<void> {
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
  const raw = { width: 64, height: 64, channels: 3 } as const;
  const jpeg = await sharp(noise, { raw }).jpeg().toBuffer();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "bomb.png"), await bomb());
  await writeFile(join(folder, "cut.jpg"), jpeg.subarray(0, jpeg.length >> 1));
  await writeFile(join(folder, "empty.png"), "");
  await symlink("/nowhere/at/all", join(folder, "nowhere.png"));
  await promisify(execFile)("mkfifo", [join(folder, "pipe.png")]);
  await writeFile(join(folder, "text.jpg"), "this is no picture");
  await mkdir(join(folder, "folder.png"));
}

beforeAll(async () => {
  await writeFloatModel(path("net.safetensors"), colourNetwork(["red", "green", "blue"]));
  await onebit("pack", path("net.safetensors"), "-o", path("net.onebit"));
  await onebit("export", path("net.safetensors"), "--to", "onnx", "-o", path("net.onnx"));
  await writeColours(path("data"), { red: "red", green: "green", blue: "blue" }, 3);
  await writeBad(path("data/test/red"));
  await writeFile(path("data/train/blue/text.png"), "no picture");
});

function expectNamed(stderr: string, folder: string): void {
  for (const [name, reason] of BAD) {
    const line = stderr
      .split("\n")
      .find((text) => text.trimStart().startsWith(`${join(folder, name)}: `));
    expect(line, name).toMatch(reason);
  }
}

describe("run", () => {
  const pictures = () => path("data/test/red");

  it("classifies the others, names the bad ones, and fails at the end", async () => {
    const { status, stdout, stderr } = await onebit("run", path("net.onebit"), pictures());
    expect(status).toBe(1);
    expect(stdout.match(/99\.\d %|100\.0 %|\d\.\d % {2}red/g)?.length).toBeGreaterThan(0);
    expect(stdout.match(/^\S+\.png +\(/gm)).toHaveLength(3);
    expectNamed(stderr, pictures());
    expect(stderr).toMatch(/error: 6 of 9 pictures cannot be used/);
  });

  it.each(["--json", "--jsonl"])("lists them with %s", async (flag) => {
    const { status, stdout } = await onebit("run", path("net.onebit"), pictures(), flag);
    const items =
      flag === "--json"
        ? JSON.parse(stdout)
        : stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
    expect(status).toBe(1);
    expect(items).toHaveLength(9);
    for (const { input, top, error } of items) {
      const known = BAD.find(([name]) => join(pictures(), name) === input);
      if (known) expect(error).toMatch(known[1]);
      else expect([error, top[0].label]).toEqual([undefined, "red"]);
    }
  });

  it("stops at the first with --strict", async () => {
    const { status, stdout, stderr } = await onebit(
      ...["run", path("net.onebit"), pictures(), "--strict", "--json"],
    );
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/error: .*bomb\.png: cannot be decoded/);
  });

  it("leaves hidden files and those of systems alone", async () => {
    await mkdir(path("mac"), { recursive: true });
    for (const name of ["._0.png", ".hidden.png", ".DS_Store", "Thumbs.db"])
      await writeFile(path("mac", name), "no picture");
    await writeFile(path("mac/0.png"), await colourPicture("blue"));
    const { status, stdout } = await onebit("run", path("net.onebit"), path("mac"), "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ input: path("mac/0.png") }]);
  });
});

describe.each(["onebit", "safetensors", "onnx"])("eval of .%s", (kind) => {
  const evaluate = (...more: string[]) =>
    onebit("eval", path(`net.${kind}`), "--data", `folder:${path("data")}`, ...more);

  it("counts the others, names the bad ones, and fails at the end", async () => {
    const { status, stdout, stderr } = await evaluate("--json");
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ images: 9, top1: 1 });
    expect(result.bad.map(({ input }: { input: string }) => input).sort()).toEqual(
      BAD.map(([name]) => path("data/test/red", name)),
    );
    expectNamed(stderr, path("data/test/red"));
    expect(stderr).toMatch(/error: 6 of 15 pictures cannot be used/);
    expect(status).toBe(1);
  });

  it("stops at the first with --strict", async () => {
    const { status, stdout, stderr } = await evaluate("--json", "--strict");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/error: .*(bomb|cut|empty|nowhere|pipe|text)\./);
  });
});

describe("data", () => {
  const describeData = (...more: string[]) => onebit("data", `folder:${path("data")}`, ...more);

  it("counts the others, names the bad ones, and fails at the end", async () => {
    const { status, stdout, stderr } = await describeData("--json", "--preview", path("x.png"));
    const { images, bad } = JSON.parse(stdout);
    expect([images, bad.length]).toEqual([{ train: 9, test: 9 }, 7]);
    expectNamed(stderr, path("data/test/red"));
    expect(stderr).toMatch(/train\/blue\/text\.png: cannot be decoded/);
    expect(stderr).toMatch(/error: 7 of 25 pictures cannot be used/);
    expect(status).toBe(1);
  });

  it("stops at the first with --strict, and tries none with --no-decode", async () => {
    const strict = await describeData("--json", "--strict");
    expect([strict.status, strict.stdout]).toEqual([1, ""]);
    const counted = await describeData("--json", "--no-decode");
    expect([counted.status, JSON.parse(counted.stdout).images]).toEqual([
      0,
      { train: 10, test: 15 },
    ]);
  });
});

const TRAIN = "train plain --model linear --input 3x4x4 --batch 3 --threads 1".split(" ");

describe("train", () => {
  const training = (out: string, ...more: string[]) =>
    onebit(...TRAIN, ...["--data", `folder:${path("data")}`, "--out", path(out), ...more]);
  const weights = (out: string) => readFile(path(out, "checkpoint/state.safetensors"));

  it("names all and stops", async () => {
    const { status, stderr } = await training("stopped", "--epochs", "1");
    expectNamed(stderr, path("data/test/red"));
    expect(stderr).toMatch(/7 pictures cannot be used/);
    expect(stderr).toMatch(/train\/blue\/text\.png: cannot be decoded/);
    expect(stderr).toMatch(/--skip-bad --overwrite/);
    expect(status).toBe(1);
    // Begun with all of them, it cannot go on without some.
    const resumed = await training("stopped", "--epochs", "1", "--resume", "--skip-bad");
    expect(resumed.stderr).toMatch(/cannot go on with another data\.trainImages \(\d+, now 9\)/);
    expect(resumed.status).toBe(2);
  });

  it("leaves them out with --skip-bad, and resumes to the same weights", async () => {
    const whole = await training("whole", "--skip-bad", "--epochs", "2");
    expect(whole.stderr).toMatch(/7 pictures cannot be used and will be left out:/);
    expectNamed(whole.stderr, path("data/test/red"));
    expect(whole.status).toBe(0);
    const { data } = JSON.parse(await readFile(path("whole/run.json"), "utf8"));
    expect([data.trainImages, data.testImages, data.skipped.length]).toEqual([9, 9, 7]);
    // The same training where they are not there at all.
    const clean = path("clean");
    await writeColours(clean, { red: "red", green: "green", blue: "blue" }, 3);
    const same = await onebit(
      ...TRAIN,
      ...["--data", `folder:${clean}`, "--out", path("same"), "--epochs", "2"],
    );
    expect(same.status).toBe(0);
    const model = (out: string) => readFile(path(out, "best/model.safetensors"));
    expect(tensorsOf(await model("whole"))).toEqual(tensorsOf(await model("same")));
  });

  it("goes on after an interruption as if there had been none", async () => {
    const interruption = new AbortController();
    const stopped = train(
      resolveRecipe("plain", parseOverrides(["epochs=2", "batch=3", "microBatch=null"])),
      {
        ...{ model: { name: "linear", input: [3, 4, 4] }, data: `folder:${path("data")}` },
        ...{ out: path("halves"), skipBad: true, threads: 1, signal: interruption.signal },
        onEvent: (event) => {
          if (event.event === "saved" && event.epoch === 1) interruption.abort();
        },
      },
    );
    await expect(stopped).rejects.toThrow(/stopped/);
    // Since then one of them has become a picture; the run has no use for it.
    await writeFile(path("data/train/blue/text.png"), await colourPicture("red"));
    const { status, stderr } = await training("halves", "--resume", "--epochs", "2");
    expect(stderr).toMatch(/7 pictures cannot be used and will be left out/);
    expect(status).toBe(0);
    expect(tensorsOf(await weights("halves"))).toEqual(tensorsOf(await weights("whole")));
    await writeFile(path("data/train/blue/text.png"), "no picture");
  });

  it("says what is wrong where there is only a test folder", async () => {
    await writeColours(path("only"), { red: "red", green: "green" });
    await rm(path("only/train"), { recursive: true });
    const { status, stderr } = await onebit(
      ...["train", "--data", `folder:${path("only")}`, "--out", path("nothing")],
    );
    expect(stderr).toMatch(/there are no training images to use: no train\/ folder: only test\//);
    expect(status).toBe(2);
  });
});

/** The tensors of a safetensors file, behind its head. */
function tensorsOf(file: Buffer): Buffer {
  return file.subarray(8 + Number(file.readBigUInt64LE(0)));
}
