import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { load } from "onebit";
import { float32Values, readSafetensors } from "onebit/file";
import { evaluate, rebatch, type Tensor } from "onebit/graph";
import { decodeFloatModel, floatModelGraph } from "onebit/models";
import { beforeAll, describe, expect, it } from "vitest";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { readOnnx } from "../../../core/src/test-support/read-onnx.js";
import { runOnnx } from "../../../core/src/test-support/run-onnx.js";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const model = tinyBnext();
const images = randomImages([3, 1, 8, 8], 7);
/** What the plain evaluator says of the float graph. */
const expected = evaluate(
  rebatch(floatModelGraph(model), 3),
  { x: images, temperature: 0 },
  model.tensors,
).outputs.logits;

function expectLogits(actual: Tensor): void {
  expect(actual.shape).toEqual([3, 4]);
  expected.data.forEach((x, i) => {
    expect(actual.data[i]).toBeCloseTo(x, 4);
  });
}

beforeAll(async () => {
  await writeFloatModel(path("float.safetensors"), model);
  await onebit("pack", path("float.safetensors"), "-o", path("packed.onebit"));
});

describe.each(["float.safetensors", "packed.onebit"])("export %s", (file) => {
  it("to ONNX that gives the same logits, for any batch", async () => {
    const output = path(`${file}.onnx`);
    const result = await onebitJson("export", path(file), "--to", "onnx", "-o", output);
    const bytes = new Uint8Array(await readFile(output));
    expect(result).toEqual({ output, format: "onnx", bytes: bytes.length });
    const { inputs, metadata, opset } = readOnnx(bytes);
    expect(inputs).toEqual({ x: ["N", 1, 8, 8] });
    expect(opset).toBeGreaterThanOrEqual(17);
    expect(JSON.parse(metadata.labels)).toEqual(model.labels);
    expect(JSON.parse(metadata.preprocess)).toEqual(model.preprocess);
    expectLogits((await runOnnx(bytes, { x: images })).logits);
  });

  it("to ONNX with a fixed batch", async () => {
    const output = path(`${file}.3.onnx`);
    await onebit("export", path(file), "--to", "onnx", "-o", output, "--batch", "3");
    const bytes = new Uint8Array(await readFile(output));
    expect(readOnnx(bytes).inputs).toEqual({ x: [3, 1, 8, 8] });
    expectLogits((await runOnnx(bytes, { x: images })).logits);
  });

  it("to safetensors, which is a model again", async () => {
    const output = path(`${file}.again.safetensors`);
    const { status, stdout } = await onebit(
      ...["export", path(file), "--to", "safetensors", "-o", output],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^wrote .*again\.safetensors \([\d.]+ kB\)\n$/);
    const again = decodeFloatModel(await readFile(output));
    expect(again).toMatchObject({ labels: model.labels, preprocess: model.preprocess });
    const graph = floatModelGraph(again, 3);
    const feeds = Object.fromEntries(
      graph.inputs.map(({ name }) => [name, name === "x" ? images : 0]),
    );
    expectLogits(evaluate(graph, feeds, again.tensors).outputs.logits);
    expect((await onebit("pack", output, "-o", path("again.onebit"))).status).toBe(0);
    using packed = await load(path("again.onebit"), { backend: "reference" });
    const { shape, data } = images;
    expectLogits((await packed.run({ shape, data: Float32Array.from(data) })).logits);
  });
});

describe("the float equivalent of a packed network", () => {
  it("has weights of exactly -1 and +1, and says where it comes from", async () => {
    const output = path("unpacked.safetensors");
    await onebit("export", path("packed.onebit"), "--to", "safetensors", "-o", output);
    const bytes = new Uint8Array(await readFile(output));
    const { tensors, metadata } = readSafetensors(bytes);
    const key = "feature.1.FFN.binary_conv.weight";
    const signs = float32Values(key, tensors[key]);
    const latent = model.tensors[key].data;
    expect([...signs]).toEqual(Array.from(latent, Math.sign));
    expect(Object.values(metadata).join()).toContain("float equivalent of packed.onebit");
    const { card } = decodeFloatModel(bytes);
    expect(card).toMatchObject({
      ...model.card,
      note: expect.stringContaining("exactly -1 and +1"),
    });
  });

  it("packs to as many 1-bit weights as before", async () => {
    const float = path("twice.safetensors");
    await onebit("export", path("packed.onebit"), "--to", "safetensors", "-o", float);
    const { stdout } = await onebit("pack", float, "-o", path("twice.onebit"));
    expect(stdout).toMatch(/^1-bit +68\.52 % of the weights, 89\.76 %/m);
  });
});

describe("export refuses", () => {
  it.each([
    [
      "a format it does not know",
      ["--to", "pt", "-o", "x"],
      /--to pt: must be onnx, safetensors or c/,
    ],
    [
      "a batch for weights",
      ["--to", "safetensors", "-o", "x", "--batch", "2"],
      /--batch goes with/,
    ],
    ["a batch that is none", ["--to", "onnx", "-o", "x", "--batch", "0"], /--batch 0: a positive/],
  ])("%s", async (_, args, message) => {
    const { status, stderr } = await onebit("export", path("float.safetensors"), ...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("a packed file that is damaged", async () => {
    const bytes = await readFile(path("packed.onebit"));
    bytes[bytes.length - 40] ^= 1;
    await writeFile(path("bad.onebit"), bytes);
    const { status, stderr } = await onebit(
      ...["export", path("bad.onebit"), "--to", "onnx", "-o", path("bad.onnx")],
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/bad\.onebit: the file is damaged: its SHA-256/);
  });
});

describe("export --to c", () => {
  const args = (...more: string[]) => ["export", path("packed.onebit"), "--to", "c", ...more];

  it("writes a folder of C, under the file's name", async () => {
    const result = await onebitJson<{ name: string; arenaBytes: number }>(...args("-o", path("c")));
    expect(result).toMatchObject({ format: "c", name: "packed" });
    expect((await readdir(path("c"))).sort()).toEqual(
      ["CMakeLists.txt", "main.c", "packed.c", "packed.h", "selftest.c"].sort(),
    );
    expect(await readFile(path("c/packed.h"), "utf8")).toContain(`${result.arenaBytes}`);
  });

  it.each<[string[], number, RegExp]>([
    [["-o", "c"], 2, /has other files in it \(CMakeLists\.txt/],
    [["-o", "none", "--name", "int"], 2, /name "int": C or its build has it already/],
    [["-o", "none", "--batch", "2"], 2, /--batch goes with --to onnx/],
    [["-o", "none", "--flash", "1k"], 1, /its constants take \d+ bytes of flash/],
    [["-o", "none", "--ram", "1k"], 1, /its values take \d+ bytes of RAM/],
    [["-o", "packed.onebit"], 2, /it is a file: name a folder/],
  ])("%j is refused, and nothing written", async ([flag, file, ...more], code, message) => {
    const { status, stderr } = await onebit(...args(flag, path(file), ...more));
    expect(status).toBe(code);
    expect(stderr).toMatch(message);
    expect(existsSync(path("none"))).toBe(false);
  });

  it("is for packed networks, and its flags for it", async () => {
    const float = ["export", path("float.safetensors"), "-o", path("none")];
    expect((await onebit(...float, "--to", "c")).stderr).toMatch(/only packed networks become C/);
    const other = await onebit(...float, "--to", "onnx", "--ram", "1k");
    expect(other.stderr).toMatch(/--ram goes with --to c/);
    const piped = await onebit(...args("-o", "-"));
    expect(piped.stderr).toMatch(/--output -: C is several files/);
    expect(existsSync(path("none"))).toBe(false);
  });
});
