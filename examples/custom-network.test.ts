import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gradientOutput, gradients, resolveRecipe } from "@onebit/train";
import type { Dataset } from "@onebit/train/data";
import { load } from "onebit";
import { evaluate, GraphBuilder } from "onebit/graph";
import { floatModelGraph, scalarInputs } from "onebit/models";
import { expect, it } from "vitest";
import { recipe, tinyNetwork, trainAndPack, triangle } from "./custom-network.js";

it("the triangle stands in for the derivative of the sign", () => {
  const t = [-2, -1, -0.75, -0.5, 0, 0.25, 1, 3];
  const b = new GraphBuilder("sign");
  const x = b.tensor("t", {
    shape: [t.length],
    kind: "parameter",
    role: "other",
    init: { kind: "constant", value: 0 },
  });
  const signs = b.op("sign", [x], { estimator: "triangle", range: 1, zero: -1 });
  b.output("loss", b.op("sum", [signs], { axes: [0], keepDims: false }));
  const graph = gradients(b.build(), { loss: "loss", wrt: ["t"], estimators: { triangle } });
  const tensors = { t: { shape: [t.length], data: Float32Array.from(t) } };
  const { outputs } = evaluate(graph, {}, tensors);
  const slopes = [...outputs[gradientOutput("t")].data];
  expect(slopes).toEqual([0, 0, 0.25, 0.5, 1, 0.75, 0, 0]);
});

const SIDE = 32;

/** Left or right half lit. */
function halves(length: number) {
  const pixels = (i: number) =>
    Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, p) => {
      const right = Math.floor(p / 3) % SIDE >= SIDE / 2;
      return right === (i % 2 === 1) ? 200 - (i % 7) : 40 + (i % 11);
    });
  return {
    length,
    label: (i: number) => i % 2,
    image: (i: number) => ({ data: pixels(i), width: SIDE, height: SIDE, channels: 3 as const }),
    source: (i: number) => `half ${i}`,
  };
}

const data: Dataset = {
  spec: "halves",
  name: "halves",
  classes: ["left", "right"],
  channels: 3,
  size: [SIDE, SIDE],
  train: halves(64),
  test: halves(16),
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  notes: [],
};

it("learns with an estimator of one's own, packs, and runs what it trained", async () => {
  const out = await mkdtemp(join(tmpdir(), "onebit-example-"));
  try {
    const short = resolveRecipe("plain", { epochs: 8, batch: 16, microBatch: 16 });
    const model = tinyNetwork(2, { width: 8, units: 1 });
    const { run, trained, file } = await trainAndPack(short, { model, data, out, overwrite: true });
    expect(run.best.top1).toBe(1);
    const graph = floatModelGraph(trained);
    const x = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => Math.sin(i / 7));
    const image = { shape: [1, 3, SIDE, SIDE], data: x };
    const feeds = { x: image, ...scalarInputs(graph, trained.tensors) };
    const { outputs } = evaluate(graph, feeds, trained.tensors);
    using packed = await load(file);
    const { logits } = await packed.run(image);
    const largest = Math.max(...outputs.logits.data.map(Math.abs));
    logits.data.forEach((logit, i) => {
      expect(Math.abs(logit - outputs.logits.data[i])).toBeLessThan(1e-5 * largest);
    });
  } finally {
    await rm(out, { recursive: true });
  }
});

it("learns generated characters, as it says", async () => {
  const out = await mkdtemp(join(tmpdir(), "onebit-example-"));
  try {
    const options = { model: tinyNetwork(36), data: "glyphs", out, overwrite: true };
    const { run } = await trainAndPack(recipe, options);
    expect(run.best.top1).toBeGreaterThanOrEqual(0.85);
  } finally {
    await rm(out, { recursive: true });
  }
}, 600_000);
