import { copyFile, writeFile } from "node:fs/promises";
import sharp from "sharp";
import { beforeAll, describe, expect, it, test } from "vitest";
import { bytes, floats } from "../../convert/src/readers/test-support/bytes.js";
import {
  dict,
  pickle,
  storage,
  tensor,
  text,
} from "../../convert/src/readers/test-support/pickles.js";
import { torchZip } from "../../convert/src/readers/test-support/zips.js";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { FAILED, refusalsIn, WRONG_USAGE } from "./test-support/refusals.js";
import { onebit } from "./test-support/run-cli.js";

const path = temporaryFolder();
const { refuses } = refusalsIn(path);

beforeAll(async () => {
  await writeIdxFolder(path("four"));
  await writeFloatModel(path("float.safetensors"), tinyBnext());
  await onebit("pack", path("float.safetensors"), "-o", path("packed.onebit"));
  await onebit("export", path("float.safetensors"), "--to", "onnx", "-o", path("net.onnx"));
  const w = tensor({ storage: storage({ count: 2 }), shape: [2], strides: [1] });
  await writeFile(path("net.pth"), torchZip(pickle(dict([text("w"), w])), { 0: floats([1, 2]) }));
  await writeFile(path("page.any"), "<!DOCTYPE html><html>");
  await writeFile(path("lfs.any"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  await writeFile(path("empty.any"), "");
  await writeFile(path("net.tflite"), bytes(0x1c, 0, 0, 0, "TFL3", new Uint8Array(40)));
  await copyFile(path("packed.onebit"), path("packed.safetensors"));
  await copyFile(path("float.safetensors"), path("float.onebit"));
  await copyFile(path("net.onnx"), path("NET.ONNX"));
  await copyFile(path("net.pth"), path("pth.onebit"));
  const photo = { width: 8, height: 8, channels: 3, background: "#18f" } as const;
  await sharp({ create: photo }).png().toFile(path("blue.png"));
});

/** Every command that takes a network, with the file in its place. */
const commands: readonly (readonly [name: string, command: string])[] = [
  ["run", "run {x} {blue.png}"],
  ["embed", "embed {x} {blue.png} -o {out.index}"],
  ["search", "search {x} {blue.index} {blue.png}"],
  ["retrain", "retrain {x} --data idx:{four} -o {out.onebit}"],
  ["eval", "eval {x} --data idx:{four}"],
  ["pack", "pack {x} -o {out.onebit}"],
  ["export", "export {x} --to onnx -o {out.onnx}"],
  ["summary", "summary {x}"],
  ["verify", "verify {x} --against {packed.onebit}"],
  ["verify against", "verify {packed.onebit} --against {x}"],
  ["bisect", "bisect {x} {packed.onebit}"],
  ["bench", "bench {x}"],
  ["explain", "explain {x}"],
  ["train --init", "train --data idx:{four} --batch 16 --init {x} --out {out}"],
];

describe.each(commands)("%s", (name, command) => {
  const output = ["pack", "train --init"].includes(name) ? "safetensors" : "onebit";
  const given = (file: string) => command.replace("{x}", `{${file}}`);
  refuses(WRONG_USAGE, [
    [
      "a PyTorch file",
      given("net.pth"),
      new RegExp(
        `net\\.pth: a PyTorch checkpoint, not .*: import it: \`npx onebit import .*net\\.pth -o model\\.${output}\``,
      ),
    ],
    [
      "a PyTorch file called .onebit",
      given("pth.onebit"),
      /pth\.onebit: a PyTorch checkpoint, not/,
    ],
    [
      "TensorFlow Lite",
      given("net.tflite"),
      /net\.tflite: a TensorFlow Lite model, not .*: import it: `npx onebit import/,
    ],
    ["a picture", given("blue.png"), /blue\.png: a picture, not .*: classify it: `npx onebit run/],
  ]);
  refuses(FAILED, [
    ["a web page", given("page.any"), /page\.any: a web page, not .*: the download link led/],
    [
      "a Git LFS pointer",
      given("lfs.any"),
      /lfs\.any: a Git LFS pointer, not .*: run `git lfs pull`/,
    ],
    ["an empty file", given("empty.any"), /empty\.any: an empty file, not .*: fetch it again/],
  ]);
});

describe("one of onebit's files in the place of another", () => {
  it("is told from a checkpoint by import, which leaves out what it says besides", async () => {
    const { status, stderr } = await onebit(
      ...["import", path("float.safetensors"), "-o", path("again.onebit")],
    );
    expect(stderr).toMatch(
      /note: a float model of onebit's: .* left out; to keep them: npx onebit pack/,
    );
    expect(status).toBe(0);
  });

  refuses(WRONG_USAGE, [
    [
      "run",
      "run {float.safetensors} {blue.png}",
      /a float model, not .*`npx onebit pack .*float\.saf/,
    ],
    ["run, other name", "run {float.onebit} {blue.png}", /float\.onebit: a float model, not/],
    [
      "pack",
      "pack {packed.safetensors} -o {o.onebit}",
      /a packed network .*, not .*`npx onebit export/,
    ],
    [
      "pack of ONNX",
      "pack {NET.ONNX} -o {o.onebit}",
      /NET\.ONNX: an ONNX model, not a float model/,
    ],
    [
      "import",
      "import {packed.safetensors} -o {o.onebit}",
      /a packed network .*, not a checkpoint/,
    ],
    [
      "train --init",
      "train --data idx:{four} --batch 16 --init {packed.onebit} --out {out}",
      /a packed network .*, not .*cannot be trained on; give the run or float model/,
    ],
    ["an array", "run {packed.onebit} --input {net.pth} --output {y.npy}", /not a NumPy array/],
    [
      "a run",
      "run {four} {blue.png}",
      /four: is a folder.*`npx onebit pack .*four -o model\.onebit`/,
    ],
  ]);
});

test.each([
  ["summary", "packed.safetensors"],
  ["summary", "float.onebit"],
  ["summary", "NET.ONNX"],
])("%s of %s: bytes count, not names", async (command, file) => {
  const { status, stdout } = await onebit(command, path(file));
  expect([status, stdout.length > 100]).toEqual([0, true]);
});
