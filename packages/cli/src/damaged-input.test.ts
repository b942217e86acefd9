import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, writeSafetensors } from "onebit/file";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { floatModel, tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { FAILED, refusalsIn, WRONG_USAGE } from "./test-support/refusals.js";
import { onebit } from "./test-support/run-cli.js";

const path = temporaryFolder();
const { inFolder, expectRefusal, refuses } = refusalsIn(path);

async function copyOf(from: string, to: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path(to), change(await readFile(path(from))));
}

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  return bytes;
};
const cut = (fraction: number) => (bytes: Buffer) =>
  bytes.subarray(0, Math.floor(fraction * bytes.length));

beforeAll(async () => {
  await writeIdxFolder(path("four"));
  await writeFloatModel(path("grey.safetensors"), tinyBnext());
  const colour = floatModel("linear", { classes: 4, input: [3, 8, 8] });
  await writeFloatModel(path("colour.safetensors"), colour);
  for (const name of ["grey", "colour"]) {
    await onebit("pack", path(`${name}.safetensors`), "-o", path(`${name}.onebit`));
  }
  await writeFile(path("text.txt"), "neither a picture nor a network\n");
  await copyFile(path("text.txt"), path("text.jpg"));
  await copyFile(path("text.txt"), path("text.onebit"));
});

describe("damaged pictures", () => {
  beforeAll(async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 256));
    const raw = { width: 64, height: 64, channels: 3 } as const;
    const jpeg = await sharp(noise, { raw }).jpeg().toBuffer();
    await writeFile(path("cut.jpg"), cut(0.6)(jpeg));
    for (const name of ["a", "b"]) {
      await mkdir(path("photos", name), { recursive: true });
      for (const i of [1, 2, 3]) await writeFile(path("photos", name, `${i}.jpg`), jpeg);
    }
    await writeFile(path("photos", "b", "4.jpg"), cut(0.6)(jpeg));
    await mkdir(path("empty"));
  });
  refuses(FAILED, [
    [
      "a truncated JPEG",
      "run {colour.onebit} {cut.jpg}",
      /cut\.jpg: cannot be decoded .*replace or remove the file/,
    ],
    ["text named .jpg", "run {colour.onebit} {text.jpg}", /text\.jpg: cannot be decoded/],
    [
      "a folder without pictures",
      "run {colour.onebit} {empty}",
      /empty: no pictures in it \(\.jpg/,
    ],
    [
      "a class without pictures",
      "data folder:{four}",
      /four: has no class folders: put the images/,
    ],
  ]);
  it("one truncated JPEG in a data set ends the training, and names the file", async () => {
    const args = ["--data", `folder:${path("photos")}`, "--model", "linear", "--batch", "1"];
    const { status, stderr } = await onebit(
      ...["train", ...args, "--epochs", "1", "--threads", "1", "--out", path("damaged")],
    );
    expect(status).toBe(FAILED);
    expect(stderr).toMatch(/b\/4\.jpg: cannot be decoded .*replace or remove the file/);
    const state = await readFile(path("damaged", "checkpoint", "state.safetensors"));
    expect(() => readSafetensors(state)).not.toThrow();
  });
});

describe("damaged data", () => {
  const names = {
    images: "train-images-idx3-ubyte",
    labels: "t10k-labels-idx1-ubyte",
  };
  const damage: [string, keyof typeof names, (bytes: Buffer) => Buffer, RegExp][] = [
    [
      "cut off",
      "images",
      cut(0.5),
      /train-images-idx3-ubyte: .*bytes missing\): download it again/,
    ],
    [
      "cut inside the header",
      "images",
      cut(0.002),
      /train-images-idx3-ubyte: .*(header|only \d+ bytes)/,
    ],
    ["something else", "images", flip(2), /starts with 0x.*is this another file/],
    ["of more pictures", "labels", (b) => idxWith(b, 23), /23 labels for 24 images/],
    ["empty", "labels", () => Buffer.alloc(0), /only 0 bytes, not an idx file/],
  ];
  it.each(damage)("an idx file that is %s", async (what, file, change, message) => {
    const folder = path(`idx ${what}`);
    await cp(path("four"), folder, { recursive: true });
    const target = join(folder, names[file]);
    await writeFile(target, change(await readFile(target)));
    await expectRefusal(["data", `idx:${folder}`], FAILED, message);
    const args = ["train", "--data", `idx:${folder}`, "--out", path("never")];
    await expectRefusal(args, FAILED, message);
    await rm(folder, { recursive: true });
  });

  it("a gzipped idx file and a CIFAR file that are cut off", async () => {
    await cp(path("four"), path("gz"), { recursive: true });
    await rm(path("gz", names.images));
    await writeFile(path("gz", `${names.images}.gz`), Buffer.from([31, 139, 8, 0, 0, 0]));
    await expectRefusal(
      ["data", `idx:${path("gz")}`],
      FAILED,
      /ubyte\.gz: is not a whole gzip file/,
    );
    // A record: the label 0, then 32x32 pixels of three colours.
    await mkdir(path("cut cifar"));
    await writeFile(path("cut cifar", "data_batch_1.bin"), Buffer.alloc(2 * 3073));
    await writeFile(path("cut cifar", "test_batch.bin"), Buffer.alloc(3073 + 99));
    await expectRefusal(
      ["data", `cifar:${path("cut cifar")}`],
      FAILED,
      /test_batch\.bin: 3,172 bytes, not a whole number of .*download it again/,
    );
  });

  it("a file missing, or a class without a name", async () => {
    await cp(path("four"), path("less"), { recursive: true });
    await writeFile(path("less", "classes.txt"), "one\ntwo\n");
    await expectRefusal(
      ["data", `idx:${path("less")}`],
      FAILED,
      /classes\.txt: names 2 classes, but labels go up to 3/,
    );
    await rm(path("less", names.labels));
    await expectRefusal(
      ["data", `idx:${path("less")}`],
      FAILED,
      /t10k-labels-idx1-ubyte\(\.gz\) is missing/,
    );
  });
});

function idxWith(bytes: Buffer, count: number): Buffer {
  bytes.writeUInt32BE(count, 4);
  return bytes.subarray(0, 8 + count);
}

describe("damaged networks", () => {
  beforeAll(async () => {
    await copyOf("grey.onebit", "flipped.onebit", flip(-40));
    await copyOf("grey.onebit", "cut.onebit", cut(0.7));
    await copyOf("grey.onebit", "stub.onebit", cut(0.001));
    await copyFile(path("grey.safetensors"), path("float.onebit"));
    await copyOf("grey.safetensors", "cut.safetensors", cut(0.7));
    const foreign = writeSafetensors({ metadata: {}, tensors: {} });
    await writeFile(path("foreign.safetensors"), foreign);
  });
  const onPacked = [
    ["run", "run {x} {text.jpg}"],
    ["eval", "eval {x} --data idx:{four}"],
    ["summary", "summary {x}"],
    ["bench", "bench {x}"],
    ["export", "export {x} --to onnx -o {out.onnx}"],
  ];
  const packedDamage: [string, RegExp][] = [
    [
      "flipped.onebit",
      /flipped\.onebit: the file is damaged: its SHA-256 does not match; fetch or pack it/,
    ],
    ["cut.onebit", /cut\.onebit: .*cut off/],
    ["stub.onebit", /stub\.onebit: /],
    ["text.onebit", /text\.onebit: /],
  ];
  describe.each(onPacked)("%s", (_, command) => {
    refuses(
      FAILED,
      packedDamage.map(([file, message]) => [file, command.replace("{x}", `{${file}}`), message]),
    );
  });
  describe("a float model", () => {
    refuses(FAILED, [
      ["cut off, for pack", "pack {cut.safetensors} -o {x.onebit}", /cut\.safetensors: .*cut off/],
      [
        "cut off, for eval",
        "eval {cut.safetensors} --data idx:{four}",
        /cut\.safetensors: .*cut off/,
      ],
      [
        "cut off, to start from",
        "train --data idx:{four} --batch 16 --init {cut.safetensors} --out {x}",
        /cut off/,
      ],
      ["that is text", "summary {text.txt}", /text\.txt: /],
    ]);
    refuses(WRONG_USAGE, [
      [
        "from elsewhere",
        "pack {foreign.safetensors} -o {x.onebit}",
        /weights without a network of onebit's .*`npx onebit import .*foreign\.safetensors/,
      ],
    ]);
  });
});

describe("a tensor", () => {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 4, 2), }";
  beforeAll(async () => {
    const start = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header.padEnd(117)}\n`, "latin1");
    await writeFile(path("small.npy"), Buffer.concat([start, Buffer.alloc(64)]));
    await writeFile(path("cut.npy"), Buffer.concat([start, Buffer.alloc(60)]));
  });
  const run = "run {grey.onebit} --output {y.npy} --input";
  refuses(FAILED, [
    ["of other channels", `${run} {small.npy}`, /small\.npy: .*\[1,2,4,2\].* of 1 channel, not 2/],
    ["cut off", `${run} {cut.npy}`, /cut\.npy: .*truncated or damaged/],
    ["that is not there", `${run} {nowhere.npy}`, /nowhere\.npy: cannot be opened/],
  ]);
  refuses(WRONG_USAGE, [
    ["that is a float model", `${run} {grey.safetensors}`, /a float model, not a NumPy array/],
  ]);
});

describe("a damaged run", () => {
  const tiny =
    "train --data idx:{four} --model bnext --widths 8,8 --batch 16 --threads 1 --out {x}";
  it("a damaged checkpoint is named and left alone; the best network stays usable", async () => {
    const out = path("broken");
    const args = [...inFolder(tiny).replace(path("x"), out).split(" "), "--epochs", "1"];
    expect((await onebit(...args)).status).toBe(0);
    await copyOf(
      "broken/checkpoint/state.safetensors",
      "broken/checkpoint/state.safetensors",
      flip(-9),
    );
    await expectRefusal([...args, "--resume"], FAILED, /state\.safetensors: .*the file is damaged/);
    await copyOf(
      "broken/checkpoint/state.safetensors",
      "broken/checkpoint/state.safetensors",
      cut(0.5),
    );
    await expectRefusal([...args, "--resume"], FAILED, /state\.safetensors: .*cut off/);
    expect((await onebit("pack", out, "-o", path("broken.onebit"))).status).toBe(0);
  });
});
