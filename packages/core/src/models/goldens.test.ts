import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluate } from "../graph/evaluate.js";
import type { FloatArray, Graph, Tensor } from "../graph/index.js";
import { rebatch } from "../graph/rebatch.js";
import {
  expectRuleA,
  goldenNetworks,
  goldenTemperature,
  imagesOf,
} from "../test-support/golden-networks.js";
import { readNpy, readNpz } from "../test-support/npy.js";
import { shared } from "../test-support/shared.js";
import { readTorchZip } from "../test-support/torch-zip.js";
import { blockOutputs } from "./blocks.js";
import { buildModel } from "./build-model.js";

const maxAbs = (data: FloatArray) =>
  Array.from(data).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
const maxDiff = (a: FloatArray, b: FloatArray) =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i])), 0);

function keysAndShapes(path: string): string[] {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => line.split("\t").slice(0, 2).join(" ").replaceAll(", ", ","));
}

const run = (graph: Graph, x: Tensor, weights: { [key: string]: Tensor }, precision: 32 | 64) =>
  evaluate(graph, { x, temperature: goldenTemperature }, weights, { precision });

describe.each(goldenNetworks)("$name: the official network", ({ name, model, options }) => {
  const folder = shared(`goldens/${name}`);
  if (!folder) return it("skipped: no goldens", () => {});
  const file = (path: string) => join(folder, path);
  const graph = buildModel(model, options);
  const weights = readTorchZip(file("state_dict.pth"));
  const input = readNpy(file("input.npy"));

  it("has the official keys and shapes", () => {
    const ours = Object.entries(graph.tensors).map(([key, { shape }]) => `${key} [${shape}]`);
    expect(ours.sort()).toEqual(keysAndShapes(file("keys.txt")).sort());
  });

  it("computes the official logits on every image (rule A)", () => {
    const expected = readNpy(file("logits-f64.npy"));
    for (let n = 0; n < input.shape[0]; n++) {
      const { logits } = run(graph, imagesOf(input, n), weights, 32).outputs;
      expectRuleA(logits, imagesOf(expected, n));
    }
  });

  it("agrees with float64 logits and, at every block, with the official activations (rule B)", () => {
    const { outputs, values } = run(graph, imagesOf(input, 0), weights, 64);
    const want = imagesOf(readNpy(file("logits-f64.npy")), 0).data;
    expect(maxDiff(outputs.logits.data, want) / maxAbs(want)).toBeLessThan(1e-9);
    const blocks = blockOutputs(graph);
    const acts = readdirSync(file("acts"));
    expect(acts.length).toBeGreaterThan(5);
    for (const act of acts) {
      const block = act.replace(/\.npy$/, "");
      expect(blocks[block]).toBe(block);
      const reference = readNpy(file(`acts/${act}`));
      const value = values.get(block)!;
      expect(value.data.length).toBe(reference.data.length);
      expect(maxDiff(value.data, reference.data)).toBeLessThan(1e-5 * maxAbs(reference.data));
    }
  });

  it("trains on batch statistics and writes back what the official forward pass does", () => {
    const step = readNpz(file("train-step.npz"));
    const training = rebatch(graph, step.x.shape[0]);
    const feeds = { x: step.x, temperature: goldenTemperature };
    const { outputs, updates } = evaluate(training, feeds, weights, { mode: "training" });
    const reference = step["ce:logits"].data;
    expect(maxDiff(outputs.logits.data, reference)).toBeLessThan(1e-4 * maxAbs(reference));
    const after = Object.entries(step).filter(([name]) => name.startsWith("after_forward:"));
    expect(after.length).toBeGreaterThan(30);
    const counters = after.filter(([name]) => name.endsWith("num_batches_tracked"));
    const written = after.filter((entry) => !counters.includes(entry));
    for (const [name, { data }] of written) {
      const update = updates[name.slice("after_forward:".length)];
      expect(maxDiff(update.data, data), name).toBeLessThan(1e-5 * maxAbs(data) + 1e-6);
    }
    // Whatever else the graph would write back must be what it was: nothing to clamp there.
    const changed = new Set(written.map(([name]) => name.slice("after_forward:".length)));
    for (const [key, update] of Object.entries(updates)) {
      if (!changed.has(key)) expect(maxDiff(update.data, weights[key].data), key).toBe(0);
    }
    for (const [name] of counters) {
      expect(graph.tensors[name.slice("after_forward:".length)].kind).toBe("counter");
    }
  });
});
