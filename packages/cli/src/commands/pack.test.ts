import { readdir, readFile, stat } from "node:fs/promises";
import { load } from "onebit";
import { evaluate } from "onebit/graph";
import { buildModel, floatModelGraph } from "onebit/models";
import { describe, expect, it } from "vitest";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { temporaryFolder } from "../test-support/folder.js";
import { floatModel, tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const model = tinyBnext();
const float = () => writeFloatModel(path("float.safetensors"), model);

interface Packed {
  readonly output: string;
  readonly bytes: number;
  readonly binaryShareOfParameters: number;
}

describe("pack", () => {
  it("writes a network that computes what the float graph computes", async () => {
    const output = path("tiny.onebit");
    const result = await onebitJson<Packed>("pack", await float(), "-o", output);
    expect(result).toMatchObject({ output, bytes: (await stat(output)).size, parameters: 958 });
    expect(result.binaryShareOfParameters).toBeCloseTo(640 / 958, 10);
    using packed = await load(output, { backend: "reference" });
    expect(packed.info).toMatchObject({
      ...{ labels: model.labels, preprocess: model.preprocess, card: model.card, classes: 4 },
    });
    const { shape, data } = randomImages([1, 1, 8, 8], 5);
    const { logits } = await packed.run({ shape, data: Float32Array.from(data) });
    const feeds = { x: { shape, data }, temperature: 0 };
    const expected = evaluate(floatModelGraph(model), feeds, model.tensors).outputs.logits;
    expected.data.forEach((x, i) => {
      expect(logits.data[i]).toBeCloseTo(x, 4);
    });
  });

  it("says in words what became of it", async () => {
    const output = path("words.onebit");
    const { status, stdout } = await onebit("pack", await float(), "-o", output);
    expect(status).toBe(0);
    expect(stdout).toContain(output);
    expect(stdout).toMatch(/^file +[\d,]+ bytes \([\d.]+ kB\)$/m);
    expect(stdout).toMatch(/^1-bit +66\.81 % of the weights, 89\.76 % of the multiply/m);
  });

  it("stores real weights more narrowly when asked", async () => {
    const linear = floatModel("linear", { classes: 20, input: [1, 32, 32] });
    const real = await writeFloatModel(path("real.safetensors"), linear);
    const bytesAs = async (type: string) => {
      const args = ["pack", real, "-o", path(`${type}.onebit`), "--real-weights", type];
      return (await onebitJson<Packed>(...args)).bytes / (20 * 32 * 32);
    };
    expect(await bytesAs("float32")).toBeCloseTo(4, 0);
    expect(await bytesAs("float16")).toBeCloseTo(2, 0);
    expect(await bytesAs("int8")).toBeCloseTo(1, 0);
  });

  it("quantises stem, gates and classifier when asked", async () => {
    const floats = floatModel("bnext", { widths: [16, 32, 32], classes: 40, input: [3, 16, 16] });
    const path0 = await writeFloatModel(path("ends.safetensors"), floats);
    const bytesWith = async (...flags: string[]) => {
      const output = path("ends.onebit");
      return (await onebitJson<Packed>("pack", path0, "-o", output, ...flags)).bytes;
    };
    const wide = await bytesWith();
    const quantised = await bytesWith("--quantised", "8-4-8");
    const narrow = await bytesWith("--quantised", "8-4-8", "--vectors", "int16");
    expect(quantised).toBeLessThan(wide);
    expect(narrow).toBeLessThan(quantised);
    const ops = async (...args: string[]) => {
      return (await onebitJson<{ ops: number }>("summary", ...args)).ops;
    };
    const net = ["bnext", "--widths", "16,32,32", "--classes", "40", "--input", "3x16x16"];
    expect(await ops(path("ends.onebit"))).toBe(await ops(...net, "--quantised", "8-4-8"));
    // What was packed last is the graph with the grids, to 16 bits.
    using packed = await load(path("ends.onebit"), { backend: "reference" });
    const { shape, data } = randomImages([1, 3, 16, 16], 5);
    const { logits } = await packed.run({ shape, data: Float32Array.from(data) });
    const options = { ...{ widths: [16, 32, 32], classes: 40, input: [3, 16, 16] as const } };
    const graph = buildModel("bnext", { ...options, quantised: "8-4-8" });
    const feeds = { x: { shape, data }, temperature: 0 };
    const expected = evaluate(graph, feeds, floats.tensors).outputs.logits;
    const largest = Math.max(...expected.data.map(Math.abs));
    expected.data.forEach((x, i) => {
      expect(Math.abs(logits.data[i] - x)).toBeLessThan(1e-3 * largest);
    });
  });

  it("refuses bits that it does not know, and architectures that have none", async () => {
    const refused = async (model: string, bits: string) => {
      const result = await onebit("pack", model, "-o", path("no.onebit"), "--quantised", bits);
      expect(result.status).toBe(2);
      return result.stderr;
    };
    expect(await refused(await float(), "8-3-8")).toMatch(/quantised is "8-3-8", must be the bits/);
    const linear = await writeFloatModel(path("l.safetensors"), floatModel("linear", {}));
    expect(await refused(linear, "8-4-8")).toMatch(/linear has no switch "quantised"/);
  });

  it("refuses exactly zero weights unless told what they count as", async () => {
    const { shape, data } = model.tensors["feature.1.FFN.binary_conv.weight"];
    const weight = { shape, data: data.map((w, i) => (i === 5 ? 0 : w)) };
    const tensors = { ...model.tensors, "feature.1.FFN.binary_conv.weight": weight };
    const zero = await writeFloatModel(path("zero.safetensors"), { ...model, tensors });
    const refused = await onebit("pack", zero, "-o", path("zero.onebit"));
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/feature\.1\.FFN\.binary_conv\.weight.*(1|one).*0/);
    expect(await readdir(path())).not.toContain("zero.onebit");
    const args = ["pack", zero, "-o", path("zero.onebit"), "--zero-weights"];
    expect((await onebit(...args, "+1")).status).toBe(0);
    const plus = await readFile(path("zero.onebit"));
    expect((await onebit(...args, "-1")).status).toBe(0);
    expect((await readFile(path("zero.onebit"))).equals(plus)).toBe(false);
    expect((await onebit(...args, "0")).status).toBe(2);
  });

  it("refuses weights that are not binary yet, and says when they would be", async () => {
    const tensors = Object.fromEntries(
      Object.entries(model.tensors).map(([key, { shape, data }]) => [
        key,
        { shape, data: key.endsWith("temperature") ? data.map(() => 0.5) : data },
      ]),
    );
    const soft = await writeFloatModel(path("soft.safetensors"), { ...model, tensors });
    const { status, stderr } = await onebit("pack", soft, "-o", path("soft.onebit"));
    expect(status).toBe(1);
    expect(stderr).toMatch(/not binary yet: the temperature is 0\.500.*epoch 153/);
  });
});
