import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { load } from "onebit";
import { readSafetensors, storedFloat32, writeSafetensors } from "onebit/file";
import { decodeFloatModel, type FloatModel } from "onebit/models";
import { beforeAll, describe, expect, it } from "vitest";
import { readNpy } from "../../../core/src/test-support/npy.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const tiny = tinyBnext();

/** A checkpoint as others write it: tensors by official key, nothing else. */
async function writeCheckpoint(name: string, tensors: FloatModel["tensors"]): Promise<string> {
  const stored = Object.entries(tensors).map(([key, { shape, data }]) => [
    `module.${key}`,
    storedFloat32(shape, data),
  ]);
  const bytes = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(stored) });
  await writeFile(path(name), bytes);
  return path(name);
}

/** The same with other values in the tensors whose key matches. */
function changed(pattern: RegExp, value: number): FloatModel["tensors"] {
  const entries = Object.entries(tiny.tensors).map(([key, { shape, data }]) => [
    key,
    { shape, data: pattern.test(key) ? data.map(() => value) : data },
  ]);
  return Object.fromEntries(entries);
}

beforeAll(() => writeCheckpoint("net.safetensors", tiny.tensors));

interface Imported {
  readonly output: string;
  readonly bytes: number;
  readonly notes: readonly string[];
}

describe.each([
  ["bnext-narrow-c10", "bnext", []],
  ["bnext18-narrow-c10", "bnext-18", []],
  ["reactnet-a-narrow", "reactnet", []],
  ["reactnet-18-narrow", "reactnet-resnet", []],
  ["reactnet-a-narrow", "reactnet", ["--input", "3x64x64"]],
  ["reactnet-18-narrow", "reactnet-resnet", ["--crop", "64"]],
])("import %s as %s %j", (bundle, family, flags) => {
  const folder = shared(`goldens/${bundle}`);
  if (!folder) return it("skipped: no goldens", () => {});

  it("and run give the official logits", async () => {
    const output = path(`${bundle}.onebit`);
    const checkpoint = `${folder}/checkpoint-dataparallel.pth.tar`;
    const result = await onebitJson<Imported>("import", checkpoint, "-o", output, ...flags);
    expect(result).toMatchObject({
      family,
      output,
      binary: true,
      bytes: (await stat(output)).size,
    });
    const logits = path(`${bundle}.npy`);
    await onebitJson("run", output, "--input", `${folder}/input.npy`, "--output", logits);
    const [actual, wanted] = [readNpy(logits), readNpy(`${folder}/logits-f64.npy`)];
    expect(actual.shape).toEqual(wanted.shape);
    const classes = wanted.shape[1];
    wanted.data.forEach((value, i) => {
      const row = wanted.data.slice(i - (i % classes), i - (i % classes) + classes);
      const largest = Math.max(...row.map(Math.abs));
      expect(Math.abs(actual.data[i] - value) / largest).toBeLessThan(2e-5);
    });
  });
});

describe("import", () => {
  it("prints what the design says, and more", async () => {
    const output = path("tiny.onebit");
    const result = await onebitJson("import", path("net.safetensors"), "-o", output);
    expect(result).toMatchObject({
      ...{ family: "bnext", arch: "bnext", classes: 4, widths: [8, 8], binary: true },
      ...{ parameters: 958, binaryParameters: 640, output, bytes: (await stat(output)).size },
      ...{ format: "safetensors", prefix: "module.", form: "binary", input: [1, 32, 32] },
      ignored: [
        "feature.0.prelu.weight",
        "feature.1.Attention.activation1.weight",
        "feature.1.FFN.activation1.weight",
      ],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it("says it in words, and what it assumed on stderr", async () => {
    const args = ["import", path("net.safetensors"), "-o", path("words.onebit")];
    const { status, stdout, stderr } = await onebit(...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^network +bnext, widths 8x2, 4 classes$/m);
    expect(stdout).toMatch(/^parameters +958, of them 1-bit 640 \(66\.81 %\)$/m);
    expect(stdout).toMatch(/^tensors +40 used, 3 dead and ignored, 5 counters, 4 temperatures$/m);
    expect(stdout).toMatch(/^SHA-256 +[0-9a-f]{64}$/m);
    expect(stderr).toMatch(/^note: weights do not tell the input size: 1x32x32 is assumed$/m);
  });

  it("writes a float model with the latent weights", async () => {
    const output = path("float.safetensors");
    await onebitJson("import", path("net.safetensors"), "-o", output);
    const model = decodeFloatModel(await readFile(output));
    expect(model.tensors).toEqual(tiny.tensors);
    expect(model.card).toMatchObject({ source: "net.safetensors" });
  });

  it("stores real weights as asked for", async () => {
    // 1-bit weights, vectors, and real weights where those are not float32 too.
    for (const [type, ...stored] of [
      ["float32", "F32", "U8"],
      ["float16", "F16", "F32", "U8"],
      ["int8", "F32", "I8", "U8"],
    ]) {
      const output = path(`${type}.onebit`);
      await onebitJson("import", path("net.safetensors"), "-o", output, "--real-weights", type);
      const { tensors } = readSafetensors(await readFile(output));
      const types = new Set(Object.values(tensors).map(({ dtype }) => dtype));
      expect([...types].sort()).toEqual(stored);
    }
    const float = ["import", path("net.safetensors"), "-o", path("x.safetensors")];
    const { status, stderr } = await onebit(...float, "--real-weights", "int8");
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/--real-weights goes with \.onebit/),
    ]);
  });

  it("stores labels and preprocessing from flags", async () => {
    const output = path("flags.onebit");
    await writeFile(path("labels.txt"), "cat\r\ndog\nthe horse\nfrog\n");
    const flags = ["--resize", "40x48", "--mean", "0.25", "--std", "0.5"];
    const args = ["import", path("net.safetensors"), "-o", output, ...flags];
    await onebitJson(...args, "--labels", path("labels.txt"), "--crop", "28");
    using model = await load(output, { backend: "reference" });
    expect(model.info).toMatchObject({
      labels: ["cat", "dog", "the horse", "frog"],
      input: { channels: 1, height: 28, width: 28 },
      preprocess: { size: [28, 28], resize: [40, 48], crop: "center", mean: [0.25], std: [0.5] },
    });
    await writeFile(path("labels.json"), JSON.stringify(["a", "b", "c", "d"]));
    await onebitJson(...args, "--labels", path("labels.json"), "--crop", "none");
    using other = await load(output, { backend: "reference" });
    expect(other.info).toMatchObject({
      labels: ["a", "b", "c", "d"],
      preprocess: { size: [40, 48], resize: [40, 48], crop: "none" },
    });
  });

  it("reads from a server", async () => {
    const file = await readFile(path("net.safetensors"));
    const server = createServer((request, response) => {
      const [start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!.slice(1).map(Number);
      const range = `bytes ${start}-${end}/${file.length}`;
      response.writeHead(206, { "content-range": range }).end(file.subarray(start, end + 1));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/net.safetensors?token=1`;
      await onebitJson("import", url, "-o", path("url.onebit"));
    } finally {
      server.close();
    }
    await onebitJson("import", path("net.safetensors"), "-o", path("local.onebit"));
    expect(await readFile(path("url.onebit"))).toEqual(await readFile(path("local.onebit")));
  });

  it("packs step 1 with real weights, and says so", async () => {
    const step1 = tinyBnext({ form: "step1" });
    const checkpoint = await writeCheckpoint("step1.safetensors", step1.tensors);
    const result = await onebitJson<Imported>("import", checkpoint, "-o", path("step1.onebit"));
    expect(result).toMatchObject({ binary: false, binaryParameters: 0, form: "step1" });
    expect(result.notes).toContain("its weights are real numbers, not 1-bit");
  });
});

describe("import refuses, and leaves nothing behind,", () => {
  const refused = async (checkpoint: string, ...flags: string[]) => {
    const result = await onebit("import", checkpoint, "-o", path("refused.onebit"), ...flags);
    expect(await readdir(path())).not.toContain("refused.onebit");
    return result;
  };
  const net = () => path("net.safetensors");

  it.each([
    ["an architecture that does not exist", ["--arch", "bnext-x"], /did you mean "bnext-/],
    [
      "a form that does not exist",
      ["--form", "soft"],
      /--form soft: must be binary, step1 or real/,
    ],
    [
      "a zero weight that is no sign",
      ["--zero-weights", "0"],
      /--zero-weights 0: must be \+1, 1 or -1/,
    ],
    ["a crop that is no size", ["--crop", "7x"], /--crop 7x: a side such as 224/],
    ["a mean that is no list", ["--mean", "0.5,,1"], /--mean 0\.5,,1: one number per channel/],
    [
      "a mean of other length",
      ["--mean", "0.5,0.5"],
      /mean 0\.5,0\.5: 2 numbers for 1 channel: one/,
    ],
    ["labels for other classes", ["--labels", "LABELS"], /2 labels for 4 classes/],
  ])("%s", async (_, flags, message) => {
    await writeFile(path("two.txt"), "a\nb\n");
    const args = flags.map((flag) => (flag === "LABELS" ? path("two.txt") : flag));
    const { status, stderr } = await refused(net(), ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it.each([
    ["another architecture", ["--arch", "bnext-t"], /do not fit bnext-t: \d+ missing: feature\./],
    [
      "a dict that is not there",
      ["--dict", "ema"],
      /ema: no network of a known family lies there; choose with no --dict at all/,
    ],
  ])("%s", async (_, flags, message) => {
    const { status, stderr } = await refused(net(), ...flags);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });

  it("an output that is neither", async () => {
    const { status, stderr } = await onebit("import", net(), "-o", path("x.pth"));
    expect(stderr).toMatch(/must end in \.safetensors .* or \.onebit/);
    expect(status).toBe(2);
  });

  it("weights that are 0, unless told what they count as", async () => {
    const zero = await writeCheckpoint("zero.safetensors", changed(/FFN\.binary_conv\.weight/, 0));
    const { status, stderr } = await refused(zero);
    expect(stderr).toMatch(/zero\.safetensors: feature\.1\.FFN\.binary_conv\.weight: 64 of 64/);
    expect(status).toBe(1);
    const told = await onebit("import", zero, "-o", path("told.onebit"), "--zero-weights", "-1");
    expect(told.status).toBe(0);
  });

  it("to pack what is not binary yet, but not to keep it as a float model", async () => {
    const soft = await writeCheckpoint("soft.safetensors", changed(/temperature/, 0.5));
    const { status, stderr } = await refused(soft);
    expect(stderr).toMatch(
      /soft\.safetensors: its weights are not binary yet.*epoch 153.*float model/,
    );
    expect(status).toBe(1);
    const kept = await onebitJson<Imported>("import", soft, "-o", path("kept.safetensors"));
    expect(kept).toMatchObject({ binary: false, temperature: { value: 0.5, binaryEpoch: 153 } });
  });

  it("NaN, a truncated file and none at all", async () => {
    const nan = await writeCheckpoint("nan.safetensors", changed(/fc\.bias/, Number.NaN));
    expect((await refused(nan)).stderr).toMatch(/fc\.bias: 4 of 4 values are NaN and 0 infinite/);
    // As a float model most of it is written before the last tensor is read.
    const float = await onebit("import", nan, "-o", path("half.safetensors"));
    expect(float.stderr).toMatch(/nan\.safetensors: fc\.bias: 4 of 4 values are NaN/);
    expect((await readdir(path())).filter((name) => name.startsWith("half"))).toEqual([]);
    await writeFile(path("cut.safetensors"), (await readFile(net())).subarray(0, 3000));
    expect((await refused(path("cut.safetensors"))).stderr).toMatch(/cut\.safetensors: /);
    const { status, stderr } = await refused(path("nothing.pth"));
    expect(stderr).toMatch(/nothing\.pth: cannot be opened/);
    expect(status).toBe(1);
  });
});

describe.skipIf(!shared("goldens"))("import --moments", () => {
  const folder = join(shared("goldens") ?? "", "reactnet-a-narrow");
  const how = ["--input", "3x64x64", "--form", "binary", "-o"];

  it("writes what the optimiser kept, and a training goes on with it", async () => {
    const source = join(folder, "checkpoint-with-optimizer.pth.tar");
    const files = [path("with.safetensors"), path("adam.safetensors")];
    const result = await onebitJson<{ moments: object; notes: string[] }>(
      ...["import", source, ...how, files[0], "--moments", files[1]],
    );
    expect(result.moments).toEqual({ file: files[1], step: 1, names: ["exp_avg", "exp_avg_sq"] });
    expect(result.notes.join()).not.toContain("optimizer");
    const tiny = ["--model", "reactnet", "--widths", "8,16,32x2,64x2", "--input", "3x64x64"];
    const start = ["--init", files[0], "--moments", files[1], "--dry-run", "--batch", "2"];
    const { status, stderr } = await onebit(
      ...["train", "plain", "--data", "glyphs", ...tiny, ...start, "--threads", "1"],
    );
    expect([status, stderr]).toEqual([0, expect.stringContaining("start fresh")]);
  });

  it("of a file without them writes nothing", async () => {
    const files = [path("without.safetensors"), path("none.safetensors")];
    const { status, stderr } = await onebit(
      ...["import", join(folder, "state_dict.pth"), ...how, files[0], "--moments", files[1]],
    );
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining("holds no state of an optimiser"),
    ]);
    for (const file of files) expect(existsSync(file)).toBe(false);
  });
});
