import { copyFile, cp, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, writeSafetensors } from "onebit/file";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { idxBytes, writeIdxFolder } from "./test-support/idx.js";
import { floatModel, tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { onebit } from "./test-support/run-cli.js";
import { snapshot } from "./test-support/snapshot.js";

const path = temporaryFolder();
const WRONG_USAGE = 2;
const FAILED = 1;

/** Whatever is refused: the status, a message with the thing and the remedy, no file changed. */
async function expectRefusal(args: string[], status: number, message: RegExp): Promise<void> {
  const before = await snapshot(path());
  const result = await onebit(...args);
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/internal error|\n +at /);
  expect([result.status, result.stdout]).toEqual([status, ""]);
  expect(await snapshot(path())).toEqual(before);
}

/** {x} in an argument stands for the path of x. */
const inFolder = (text: string) => text.replace(/\{([^}]*)\}/g, (_, name) => path(name));

type Case = [what: string, command: string, message: RegExp];

function refuses(status: number, cases: readonly Case[]): void {
  it.each(cases)("%s", async (_, command, message) => {
    await expectRefusal(command.split(" ").map(inFolder), status, message);
  });
}

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
  await writeIdxFolder(path("two"), { classes: 2 });
  await writeFloatModel(path("grey.safetensors"), tinyBnext());
  await writeFloatModel(path("three.safetensors"), tinyBnext({ classes: 3 }));
  const colour = floatModel("linear", { classes: 4, input: [3, 8, 8] });
  await writeFloatModel(path("colour.safetensors"), colour);
  for (const name of ["grey", "three", "colour"]) {
    await onebit("pack", path(`${name}.safetensors`), "-o", path(`${name}.onebit`));
  }
  await writeFile(path("text.txt"), "neither a picture nor a network\n");
  await copyFile(path("text.txt"), path("text.jpg"));
  await copyFile(path("text.txt"), path("text.onebit"));
});

describe("what is not there", () => {
  refuses(WRONG_USAGE, [
    ["a command", "trian --data glyphs", /unknown command 'trian'[\s\S]*train/],
    ["an option", "models --jsn", /unknown option '--jsn'[\s\S]*--json/],
    ["an argument too many", "models bnext-t", /too many arguments/],
    ["an argument too few", "eval --data glyphs", /missing required argument 'file'/],
    ["an architecture", "summary bnext-x", /unknown model "bnext-x": did you mean "bnext-t"/],
    ["a data set", "data mnist", /unknown data set "mnist": known are glyphs, idx:DIR/],
    ["a data set's folder", "data idx:", /needs a folder: write idx:DIR/],
    ["a data path", "eval {grey.onebit} --data idx:{nowhere}", /there is no folder .*nowhere/],
    [
      "a backend",
      "eval {grey.onebit} --data idx:{four} --backend gpu",
      /--backend gpu: must be auto/,
    ],
    ["a photograph", "run {grey.onebit} {nowhere.jpg}", /nowhere\.jpg: no such file or folder/],
    ["anything to classify", "run {grey.onebit}", /nothing to classify/],
    [
      "a place for the logits",
      "run {grey.onebit} --input {x.npy}",
      /--input and --output go together/,
    ],
  ]);
  refuses(FAILED, [
    ["a packed file", "run {nowhere.onebit} {text.jpg}", /nowhere\.onebit: there is no such file/],
    [
      "a model",
      "pack {nowhere.safetensors} -o {x.onebit}",
      /nowhere\.safetensors: there is no such/,
    ],
    [
      "weights in a folder",
      "pack {four} -o {x.onebit}",
      /four: .*without best\/model\.safetensors/,
    ],
    [
      "weights to start from",
      "train --data idx:{four} --batch 16 --init {nope} --out {x}",
      /nope: there is no such/,
    ],
  ]);
});

describe("numbers that are none", () => {
  refuses(WRONG_USAGE, [
    ["classes", "summary bnext-t --classes ten", /--classes ten: a positive whole number/],
    ["threads", "run {grey.onebit} {text.jpg} --threads 0", /--threads 0: a positive whole/],
    ["top", "run {grey.onebit} {text.jpg} --top 0", /--top 0: a positive whole number/],
    ["widths", "summary bnext --widths 8,,8", /--widths : a positive whole number/],
    ["an input size", "summary bnext-t --input 224x224", /channels x height x width is wanted/],
    ["a form", "summary bnext-t --form float", /form is "float", must be binary or step1 or real/],
    [
      "a kind of weights",
      "pack {grey.safetensors} -o {x.onebit} --real-weights int3",
      /must be .*int8/,
    ],
    ["a limit", "eval {grey.onebit} --data idx:{four} --limit all", /--limit all: a positive/],
  ]);
});

describe("what does not fit together", () => {
  beforeAll(async () => {
    const record = () => Buffer.from(Uint8Array.from({ length: 3073 }, (_, i) => i && i % 251));
    await mkdir(path("cifar"));
    for (const file of ["data_batch_1.bin", "test_batch.bin"]) {
      await writeFile(path("cifar", file), Buffer.concat([record(), record()]));
    }
    const photo = { width: 9, height: 9, channels: 3, background: "#18f" } as const;
    await sharp({ create: photo }).png().toFile(path("blue.png"));
  });
  refuses(WRONG_USAGE, [
    [
      "a float model for run",
      "run {grey.safetensors} {blue.png}",
      /run takes a packed network; make one/,
    ],
    ["a packed one for pack", "pack {grey.onebit} -o {x.onebit}", /is packed already/],
    ["a packed file of another name", "pack {grey.safetensors} -o {x.bin}", /is a \.onebit file/],
    ["photographs and a tensor", "run {grey.onebit} {blue.png} --input a --output b", /not both/],
    [
      "a backend for a float model",
      "eval {grey.safetensors} --data idx:{four} --backend wasm",
      /runs on ONNX/,
    ],
    ["switches for a file", "summary {grey.onebit} --classes 3", /is a file and says itself/],
  ]);
  refuses(FAILED, [
    [
      "3 classes, data of 2 (packed)",
      "eval {three.onebit} --data idx:{two}",
      /two has 2 classes, the network 3/,
    ],
    [
      "3 classes, data of 2 (float)",
      "eval {three.safetensors} --data idx:{two}",
      /two has 2 classes, the network 3/,
    ],
    [
      "a colour photograph, a grey network",
      "run {grey.onebit} {blue.png}",
      /blue\.png: .*in colour.*1 \(grey\): convert/,
    ],
  ]);
  it.each(["grey.onebit", "grey.safetensors"])("colour data, a grey network (%s)", async (file) => {
    const labels = Uint8Array.from([0, 1, 2, 3]);
    await mkdir(path("rgb"), { recursive: true });
    for (const split of ["train", "t10k"]) {
      const images = idxBytes([4, 8, 8, 3], new Uint8Array(4 * 8 * 8 * 3).fill(99));
      await writeFile(path("rgb", `${split}-images-idx4-ubyte`), images);
      await writeFile(path("rgb", `${split}-labels-idx1-ubyte`), idxBytes([4], labels));
    }
    await expectRefusal(
      ["eval", path(file), "--data", `idx:${path("rgb")}`],
      WRONG_USAGE,
      /images have 3 channels, the network takes 1: use a network with 3 input channels/,
    );
  });
  it("weights of a colour network to start a grey one from", async () => {
    const args = ["train", "--data", `idx:${path("four")}`, "--model", "linear", "--batch", "16"];
    await expectRefusal(
      [...args, "--init", path("colour.safetensors"), "--out", path("x")],
      FAILED,
      /"fc\.weight" is \[4,192\], \[4,64\] is wanted: it belongs to another network/,
    );
  });
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
      /train-images-idx3-ubyte: .*bytes are missing\): download it again/,
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
    await cp(path("cifar"), path("cut cifar"), { recursive: true });
    await truncate(path("cut cifar", "test_batch.bin"), 3073 + 99);
    await expectRefusal(
      ["data", `cifar:${path("cut cifar")}`],
      FAILED,
      /test_batch\.bin: 3172 bytes are not a whole number of .*download it again/,
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
    ["run", "run {x} {blue.png}"],
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
    ["float.onebit", /float\.onebit: .*not a packed network.*pack it with `onebit pack`/],
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
      ["from elsewhere", "pack {foreign.safetensors} -o {x.onebit}", /not a onebit model/],
      ["that is text", "summary {text.txt}", /text\.txt: /],
    ]);
  });
});

describe("a tensor", () => {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 4, 4), }";
  beforeAll(async () => {
    const start = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header.padEnd(117)}\n`, "latin1");
    await writeFile(path("small.npy"), Buffer.concat([start, Buffer.alloc(64)]));
    await writeFile(path("cut.npy"), Buffer.concat([start, Buffer.alloc(60)]));
  });
  const run = "run {grey.onebit} --output {y.npy} --input";
  refuses(FAILED, [
    [
      "of another size",
      `${run} {small.npy}`,
      /small\.npy: input \[1,1,4,4\] does not fit: \[N, 1, 8, 8\]/,
    ],
    ["cut off", `${run} {cut.npy}`, /cut\.npy: .*truncated or damaged/],
    [
      "that is a float model",
      `${run} {grey.safetensors}`,
      /a \.npy file is wanted, this is safetensors/,
    ],
    ["that is not there", `${run} {nowhere.npy}`, /nowhere\.npy: cannot be opened/],
  ]);
});

describe("places that cannot be written", () => {
  const train = "train --data idx:{four} --model linear --batch 16 --epochs 1 --threads 1";
  refuses(FAILED, [
    [
      "no folder, for pack",
      "pack {grey.safetensors} -o {no/x.onebit}",
      /cannot write .*there is no folder .*create it/,
    ],
    [
      "in a file, for pack",
      "pack {grey.safetensors} -o {text.txt/x.onebit}",
      /text\.txt is not a folder/,
    ],
    [
      "a folder, for export",
      "export {grey.onebit} --to onnx -o {four}",
      /four: it is a folder: name a file/,
    ],
    ["in a file, for train", `${train} --out {text.txt/run}`, /cannot write .*text\.txt/],
  ]);
});

describe("trainings that cannot work", () => {
  const tiny =
    "train --data idx:{four} --model bnext --widths 8,8 --batch 16 --threads 1 --out {x}";
  refuses(WRONG_USAGE, [
    [
      "a schedule that would not end binary",
      `${tiny} --epochs 3 --set temperature.kind=paper`,
      /would not end binary: .*Train at least 154 epochs.*temperature\.decay/,
    ],
    [
      "soft weights to the end",
      `${tiny} --set temperature.binaryAt=1`,
      /would not end binary.*Lower temperature\.binaryAt/,
    ],
    [
      "a batch larger than the data",
      `${tiny} --set batch=64`,
      /48 training images do not fill one batch of 64/,
    ],
    ["nothing to resume", `${tiny} --resume`, /x: holds no run to resume; start without --resume/],
  ]);

  it("a loss that is no number: what was saved before stays whole", async () => {
    const out = path("nan");
    const args = inFolder(tiny).replace(path("x"), out).split(" ");
    const { status, stderr } = await onebit(...args, "--set", "schedule.learningRate=1e30");
    expect(status).toBe(FAILED);
    expect(stderr).toMatch(
      /(loss|norm) is (NaN|Infinity) at epoch 1, step \d \(learning rate .*lower schedule\.learningRate/,
    );
    expect(stderr).toMatch(/state\.safetensors holds the state before the first epoch/);
    const again = [...args.with(-1, path("after nan")), "--epochs", "1"];
    const state = join(out, "checkpoint", "state.safetensors");
    expect((await onebit(...again, "--init", state)).status).toBe(0);
  });

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
