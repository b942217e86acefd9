import { type StoredTensor, storedFloat32, writeSafetensors } from "onebit/file";
import { evaluate } from "onebit/graph";
import { buildModel, floatModelGraph, type ModelOptions } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { type ImportOptions, importCheckpoint } from "../import-checkpoint.js";
import { type Tensors, weightsOf } from "../test-support/checkpoints.js";

const small = { classes: 4, input: [3, 32, 32] } as const;
const bnext = { ...small, widths: [8, 16, 16] };

/** Bounds as the official modules register them: Python integers become int64. */
function clip(bound: number): StoredTensor {
  const data = new Uint8Array(BigInt64Array.of(BigInt(-bound), BigInt(bound)).buffer);
  return { dtype: "I64", shape: [2], data };
}

/** A checkpoint of the official quantised class: what its modules register stands beside the weights. */
function quantisedCheckpoint(tensors: Tensors, { gates = true, bound = 1000 } = {}) {
  const entries: [string, StoredTensor][] = [];
  for (const [key, { shape, data }] of Object.entries(tensors)) {
    entries.push([`module.${key}`, storedFloat32(shape, data)]);
    const layer = /^(.*(?:conv1|\.se\.se\.[13]|downsample\.1))\.weight$/.exec(key)?.[1];
    if (!layer || (!gates && layer.includes(".se."))) continue;
    entries.push([`module.${layer}.weight_clip_val`, clip(bound)]);
    entries.push([`module.${layer}.activation_clip_val`, clip(bound)]);
  }
  entries.push(["module.fc.scale", storedFloat32([], [1])]);
  entries.push(["module.fc.weight_clip_val", clip(25)], ["module.fc.act_clip_val", clip(25)]);
  const bytes = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(entries) });
  return memoryBuffer(bytes, "quantised.pth");
}

async function importing(
  name: string,
  options: Partial<ModelOptions>,
  told?: ImportOptions,
  how: Parameters<typeof quantisedCheckpoint>[1] = {},
) {
  const tensors = weightsOf(name, options);
  return { tensors, ...(await importCheckpoint(quantisedCheckpoint(tensors, how), told)) };
}

describe("a quantised checkpoint", () => {
  it.each<[string, string, Partial<ModelOptions>]>([
    ["BNext", "bnext", bnext],
    ["BNext whose gates see the input", "bnext", { ...bnext, gate: "input" }],
    ["BNext-18", "bnext-18", { ...small, width: 8 }],
  ])("of %s computes what the quantised graph computes", async (_, name, options) => {
    const { model, report, tensors } = await importing(name, options, { quantised: "8-4-8" });
    const storedScale = name === "bnext" ? true : undefined;
    const graph = buildModel(name, { ...options, quantised: "8-4-8", storedScale });
    const image = randomImages(graph.inputs[0].shape, 5);
    const logits = (of: typeof graph) =>
      evaluate(of, { x: image, temperature: 0 }, tensors).outputs.logits.data;
    expect(logits(floatModelGraph(model))).toEqual(logits(graph));
    expect(report.switches).toMatchObject({ quantised: "8-4-8" });
    const compared = comparePacked(graph, tensors, pack(graph, model.tensors), image);
    expect(compared).toMatchObject({ differentBits: 0, uncovered: [] });
    expect(compared.error).toBeLessThan(1e-4);
  });

  it("says what became of its bounds and its factor", async () => {
    const { report } = await importing("bnext", bnext, { quantised: "8-4-8" });
    const dead = report.ignored.filter((key) => /clip_val$|^fc\.scale$/.test(key));
    expect(dead).toHaveLength(2 * (1 + 2 * 5) + 3);
    const bound = report.tensors.find(({ key }) => key === "feature.0.conv1.weight_clip_val");
    expect(bound).toEqual({
      ...{ key: "feature.0.conv1.weight_clip_val", fate: "dead", shape: [2], dtype: "int64" },
    });
  });

  it("takes the bits that are told, without a word", async () => {
    const { report } = await importing("bnext", bnext, { quantised: "8-8-8" });
    expect(report.switches).toMatchObject({ quantised: "8-8-8" });
    expect(report.notes.filter((note) => note.includes("bits"))).toEqual([]);
  });

  it("has float gates where these have no bounds", async () => {
    const { report } = await importing("bnext", bnext, undefined, { gates: false });
    expect(report.switches).toMatchObject({ quantised: "8-32-8" });
  });

  it("says so where bounds are not the published ones", async () => {
    const { report } = await importing("bnext", bnext, { quantised: "8-4-8" }, { bound: 7 });
    const notes = report.notes.filter((note) => note.includes("_clip_val is [-7, 7]"));
    expect(notes).toHaveLength(2 * (1 + 2 * 5));
  });
});

describe("a checkpoint that was not quantised", () => {
  const tensors = weightsOf("bnext", bnext);
  const plain = () => {
    const entries = Object.entries(tensors).map(([key, { shape, data }]) => [
      key,
      storedFloat32(shape, data),
    ]);
    return memoryBuffer(writeSafetensors({ metadata: {}, tensors: Object.fromEntries(entries) }));
  };

  it("stays as it is", async () => {
    const { report } = await importCheckpoint(plain());
    expect(report.switches).not.toHaveProperty("quantised");
  });

  it("is quantised when asked to, and says that it was trained without", async () => {
    const { model, report } = await importCheckpoint(plain(), { quantised: "8-4-8" });
    expect(floatModelGraph(model).nodes.some(({ op }) => op === "quantise")).toBe(true);
    expect(report.notes).toContainEqual(
      expect.stringMatching(/8-4-8 bits; the network was trained/),
    );
  });

  it("is not, where its architecture has no quantised form", async () => {
    const reactnet = weightsOf("reactnet", { ...small, widths: [6, 12] });
    const entries = Object.entries(reactnet).map(([key, t]) => [
      key,
      storedFloat32(t.shape, t.data),
    ]);
    const bytes = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(entries) });
    const importing = importCheckpoint(memoryBuffer(bytes), { quantised: "8-4-8" });
    await expect(importing).rejects.toThrow(/no switch "quantised"/);
  });
});
