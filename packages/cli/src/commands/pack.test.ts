import { readdir, readFile, stat } from "node:fs/promises";
import { load } from "onebit";
import { evaluate } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
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
