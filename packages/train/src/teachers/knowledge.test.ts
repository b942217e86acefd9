import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, encodeFloatModel } from "onebit/models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset, preprocessFor } from "../data/index.js";
import { knowledgeOf, saidOf } from "./knowledge.js";

/** By the definitions, from probabilities. */
function byDefinition(logits: readonly number[], label: number) {
  const exps = logits.map((z) => Math.exp(z));
  const p = exps.map((e) => e / exps.reduce((sum, value) => sum + value));
  const wrong = p.filter((_, k) => k !== label);
  const mass = wrong.reduce((sum, value) => sum + value);
  const q = wrong.map((value) => value / mass);
  const entropy = -q.reduce((sum, value) => sum + value * Math.log(value), 0);
  return {
    crossEntropy: -Math.log(p[label]),
    telling: (1 - p[label]) * (Math.log(q.length) - entropy),
  };
}

describe("what is said of an image", () => {
  it.each([
    [[1, 2, 3], 2],
    [[-4, 0.5, 3, 3, -1], 0],
    [[0.1, 7, -7], 1],
  ])("%j, label %i", (logits, label) => {
    const said = saidOf(Float32Array.from(logits), label);
    const wanted = byDefinition(logits, label);
    expect(said.crossEntropy).toBeCloseTo(wanted.crossEntropy, 6);
    expect(said.telling).toBeCloseTo(wanted.telling, 6);
    expect(said.correct).toBe(logits.indexOf(Math.max(...logits)) === label ? 1 : 0);
  });

  it("tells nothing where it is sure, or wrong classes are alike, or there are two", () => {
    expect(saidOf(Float32Array.of(0, 1000, 0), 1)).toEqual({
      crossEntropy: 0,
      telling: 0,
      correct: 1,
    });
    expect(saidOf(Float32Array.of(1, 5, 1, 1), 1).telling).toBeCloseTo(0, 12);
    expect(saidOf(Float32Array.of(1, 2), 0).telling).toBe(0);
    expect(saidOf(Float32Array.of(9, 0, 1000), 2).telling).toBe(0);
  });
});

describe("of a teacher", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-knowledge-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("every training image counts once; what is asked is what it says", async () => {
    const dataset = await openDataset("glyphs", { trainImages: 70, testImages: 36 });
    const options = { classes: 36, input: [3, 8, 8] } as const;
    const { tensors: specs } = buildModel("linear", options);
    const bias = Float32Array.from({ length: 36 }, (_, k) => k / 10);
    const tensors = Object.fromEntries(
      Object.entries(specs).map(([key, { shape }]) => {
        const zeros = new Float32Array(shape.reduce((n, dim) => n * dim, 1));
        return [key, { shape, data: key.endsWith("bias") ? bias : zeros }];
      }),
    );
    const path = join(folder, "constant.safetensors");
    const preprocess = preprocessFor(dataset, { channels: 3, size: [8, 8] });
    const architecture = { name: "linear", options };
    const labels = dataset.classes;
    await writeFile(
      path,
      encodeFloatModel({ architecture, tensors, labels, preprocess, card: {} }),
    );
    const known = await knowledgeOf({ path }, dataset, { epsilon: 0.5, batch: 32 });
    const each = Array.from({ length: 70 }, (_, i) =>
      byDefinition([...bias], dataset.train.label(i)),
    );
    const mean = (of: (one: (typeof each)[0]) => number) =>
      each.reduce((sum, one) => sum + of(one), 0) / 70;
    const crossEntropy = mean((one) => one.crossEntropy);
    const parameters = 36 * 3 * 64 + 36;
    expect(known).toMatchObject({ path, parameters, images: 70 });
    expect(known.crossEntropy).toBeCloseTo(crossEntropy, 5);
    expect(known.telling).toBeCloseTo(
      mean((one) => one.telling),
      5,
    );
    expect(known.complexity).toBeCloseTo(Math.log(1 + parameters / (crossEntropy + 0.5)), 5);
  });
});
