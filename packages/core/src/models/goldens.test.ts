import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluate } from "../graph/evaluate.js";
import type { FloatArray, Graph, Tensor } from "../graph/index.js";
import { rebatch } from "../graph/rebatch.js";
import { readNpy, readNpz } from "../test-support/npy.js";
import { shared } from "../test-support/shared.js";
import { readTorchZip } from "../test-support/torch-zip.js";
import { blockOutputs } from "./blocks.js";
import { buildModel } from "./build-model.js";
import type { ModelOptions } from "./options.js";

const bundles: { name: string; model: string; options: ModelOptions }[] = [
  {
    name: "bnext-narrow-c10",
    model: "bnext",
    options: { widths: [8, 16, 32, 32, 32, 64, 64, 64], classes: 10, input: [3, 32, 32] },
  },
  {
    name: "bnext18-narrow-c10",
    model: "bnext-18",
    options: { width: 8, classes: 10, input: [3, 32, 32] },
  },
  {
    name: "reactnet-a-narrow",
    model: "reactnet",
    options: { widths: [8, 16, 32, 32, 64, 64], classes: 100, input: [3, 64, 64] },
  },
  {
    name: "reactnet-18-narrow",
    model: "reactnet-18",
    options: { width: 8, classes: 100, input: [3, 64, 64] },
  },
];

/** What 512 epochs leave of the temperature. */
const temperature = 0.9 ** 511;

const maxAbs = (data: FloatArray) =>
  Array.from(data).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
const maxDiff = (a: FloatArray, b: FloatArray) =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i])), 0);

function image({ data, shape }: Tensor, n: number): Tensor {
  const size = data.length / shape[0];
  return { shape: [1, ...shape.slice(1)], data: data.slice(n * size, (n + 1) * size) };
}

function keysAndShapes(path: string): string[] {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => line.split("\t").slice(0, 2).join(" ").replaceAll(", ", ","));
}

const run = (graph: Graph, x: Tensor, weights: { [key: string]: Tensor }, precision: 32 | 64) =>
  evaluate(graph, { x, temperature }, weights, { precision });

describe.each(bundles)("$name: the official network", ({ name, model, options }) => {
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
      const want = image(expected, n).data;
      const { logits } = run(graph, image(input, n), weights, 32).outputs;
      expect(maxDiff(logits.data, want) / maxAbs(want)).toBeLessThan(2e-5);
      expect(logits.data.indexOf(Math.max(...logits.data))).toBe(want.indexOf(Math.max(...want)));
    }
  });

  it("agrees with float64 logits and, at every block, with the official activations (rule B)", () => {
    const { outputs, values } = run(graph, image(input, 0), weights, 64);
    const want = image(readNpy(file("logits-f64.npy")), 0).data;
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
    const feeds = { x: step.x, temperature };
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
