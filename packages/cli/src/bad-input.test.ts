import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { floatModel, tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { FAILED, refusalsIn, WRONG_USAGE } from "./test-support/refusals.js";
import { onebit } from "./test-support/run-cli.js";

const path = temporaryFolder();
const { inFolder, expectRefusal, refuses } = refusalsIn(path);

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
  await onebit("export", path("grey.safetensors"), "--to", "onnx", "-o", path("net.onnx"));
  await writeFile(path("text.txt"), "neither a picture nor a network\n");
  await copyFile(path("text.txt"), path("text.jpg"));
});

describe("what is not there", () => {
  refuses(WRONG_USAGE, [
    ["a command", "trian --data glyphs", /unknown command 'trian'[\s\S]*train/],
    ["an option", "models --jsn", /unknown option '--jsn'[\s\S]*--json/],
    ["an argument too many", "models bnext-t", /too many arguments/],
    ["an argument too few", "eval --data glyphs", /missing required argument 'file'/],
    ["an architecture", "summary bnext-x", /unknown model "bnext-x": did you mean "bnext-t"/],
    ["a kind of data set", "data {four}", /unknown data set ".*four": .* is folder:.*four; known/],
    ["a folder", "data folder:{text.txt}", /data set "folder:.*": .*text\.txt is no folder/],
    ["a data set", "data mnist", /unknown data set "mnist": known are glyphs, idx:DIR/],
    ["a data set's folder", "data idx:", /needs a folder: write idx:DIR/],
    ["a data path", "eval {grey.onebit} --data idx:{nowhere}", /there is no folder .*nowhere/],
    [
      "a backend",
      "eval {grey.onebit} --data idx:{four} --backend gpu",
      /--backend gpu: must be auto/,
    ],
    ["a photograph", "run {grey.onebit} {nowhere.jpg}", /nowhere\.jpg: no such file or folder/],
    [
      "anything to classify",
      "run {grey.onebit}",
      /nothing to run on: name photographs or folders, or --input x\.npy/,
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

describe("nothing, such as a variable of the shell that is not set", () => {
  it.each([
    [["run", ""], /argument file is empty/],
    [["run", "{grey.onebit}", "{text.jpg}", " "], /argument inputs is empty/],
    [["summary", ""], /argument arch\|file is empty/],
    [
      ["eval", "{grey.onebit}", "--data", ""],
      /--data is empty: is a variable of the shell not set/,
    ],
    [["pack", "{grey.safetensors}", "-o", ""], /-o, --output is empty|--output is empty/],
  ])("%j", async (args, message) => {
    await expectRefusal(args.map(inFolder), WRONG_USAGE, message);
  });
});

describe("numbers that are none", () => {
  refuses(WRONG_USAGE, [
    [
      "two values",
      "run {grey.onebit} {text.jpg} --top 2 --top 3",
      /--top is given twice, as 2 and/,
    ],
    [
      "an infinite field of a recipe",
      "train --data idx:{four} --out {x} --set schedule.learningRate=1e999",
      /schedule\.learningRate: Infinity is no finite number \(now 0\.\d+\)/,
    ],
    ["classes", "summary bnext-t --classes ten", /--classes ten: a positive whole number/],
    ["threads", "run {grey.onebit} {text.jpg} --threads 0", /--threads 0: a positive whole/],
    ["top", "run {grey.onebit} {text.jpg} --top 0", /--top 0: a positive whole number/],
    ["widths", "summary bnext --widths 8,,8", /--widths : a positive whole number/],
    ["an input size", "summary bnext-t --input 224x224", /channels x height x width is wanted/],
    ["a form", "summary bnext-t --form float", /--form float: must be binary, step1 or real/],
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
    const photo = { width: 9, height: 9, channels: 3, background: "#18f" } as const;
    await sharp({ create: photo }).png().toFile(path("blue.png"));
  });
  refuses(WRONG_USAGE, [
    ["a packed file of another name", "pack {grey.safetensors} -o {x.bin}", /is a \.onebit file/],
    ["photographs and a tensor", "run {grey.onebit} {blue.png} --input a --output b", /not both/],
    [
      "a backend for a float model",
      "eval {grey.safetensors} --data idx:{four} --backend wasm",
      /runs on ONNX/,
    ],
    [
      "an endless run for ONNX",
      "run {net.onnx} {blue.png} --work 1e9",
      /--work 1e9 goes with packed/,
    ],
    [
      "a backend for an .onnx model",
      "verify {net.onnx} --against {grey.onebit} --backend wasm",
      /--backend wasm goes with packed networks.*net\.onnx is an \.onnx model, which runs on ONNX/,
    ],
    [
      "a backend for the other",
      "verify {grey.onebit} --against {net.onnx} --against-backend wasm",
      /--against-backend wasm goes with packed networks.*net\.onnx is an \.onnx/,
    ],
    [
      "classes named for a tensor",
      "run {grey.onebit} --input {x.npy} --output {y.npy} --top 3",
      /--top 3 does not go with --output: it writes one file/,
    ],
    [
      "one line per image for a tensor",
      "run {grey.onebit} --input {x.npy} --output {y.npy} --jsonl",
      /--jsonl does not go with --output: it writes one file/,
    ],
    [
      "generated images beside others",
      "verify {grey.onebit} --against {grey.onebit} --data glyphs --images 3",
      /--images 3 does not go with --data: --limit says/,
    ],
    [
      "a seed for photographs",
      "bisect {grey.onebit} {grey.onebit} {blue.png} --seed 3",
      /--seed is about generated images, and photographs are given/,
    ],
    [
      "peers of a training",
      "bench linear --train --against none",
      /--against none does not go with --tr/,
    ],
    ["threads of one training", "bench linear --train --threads 1,2", /--threads 1,2: one number/],
    [
      "strict counting",
      "data glyphs --strict --no-decode",
      /--strict does not go with --no-decode/,
    ],
    [
      "layers of ONNX",
      "summary {net.onnx} --layers",
      /--layers goes with packed networks, float models and/,
    ],
    [
      "a packed network onto itself",
      "pack {grey.onebit} -o {grey.onebit}",
      /is the input, which would/,
    ],
    [
      "switches for a file",
      "summary {grey.onebit} --classes 3",
      /--classes 3 goes with architectures; .*grey\.onebit is a packed network, which says itself how/,
    ],
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
  ]);
  it("weights of a colour network to start a grey one from", async () => {
    const args = ["train", "--data", `idx:${path("four")}`, "--model", "linear", "--batch", "16"];
    await expectRefusal(
      [...args, "--init", path("colour.safetensors"), "--out", path("x")],
      FAILED,
      /"fc\.weight" is \[4,192\], \[4,64\] is wanted: it belongs to another network/,
    );
  });
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
    [
      "in a file, for train",
      `${train} --out {text.txt/run}`,
      /a part of the path is a file: choose another/,
    ],
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
      /48 training images cannot fill one batch of 64/,
    ],
    ["nothing to resume", `${tiny} --resume`, /x: holds no run to resume; start without --resume/],
  ]);

  it("a loss that is no number: what was saved before stays whole", async () => {
    const out = path("nan");
    const args = inFolder(tiny).replace(path("x"), out).split(" ");
    const { status, stderr } = await onebit(...args, "--set", "schedule.learningRate=1e30");
    expect(status).toBe(FAILED);
    expect(stderr).toMatch(
      /(loss "cross-entropy"|norm) is (NaN|Infinity) at epoch 1, step \d \(learning rate .*lower schedule\.learningRate/,
    );
    expect(stderr).toMatch(/state\.safetensors holds the state before the first epoch/);
    const again = [...args.with(-1, path("after nan")), "--epochs", "1"];
    const state = join(out, "checkpoint", "state.safetensors");
    expect((await onebit(...again, "--init", state)).status).toBe(0);
  });
});
