import { UsageError } from "onebit";
import { evaluate, rebatch, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { expect, it } from "vitest";
import { openDataset, openLoader, preprocessFor } from "../data/index.js";
import { initialTensors } from "../state/index.js";
import { reestimate } from "./reestimate.js";

const images = { trainImages: 24, testImages: 4 };
const BATCH = 8;

/** A small BNext with statistics that are wrong, and the images that it sees. */
async function given() {
  const dataset = await openDataset("glyphs", images);
  const graph = buildModel("bnext", {
    ...{ classes: dataset.classes.length, input: [3, 8, 8], widths: [8, 8, 16] },
  });
  const tensors: { [key: string]: Tensor } = { ...initialTensors(graph, 1) };
  const cold = { shape: [1], data: Float32Array.of(0) };
  for (const key of Object.keys(tensors)) if (key.endsWith(".temperature")) tensors[key] = cold;
  const preprocess = preprocessFor(dataset, { channels: 3, size: [8, 8] });
  return { dataset, graph, tensors, preprocess };
}

it("takes the mean of what single batches have, in every layer behind those before it", async () => {
  const { dataset, graph, tensors, preprocess } = await given();
  const before = structuredClone(tensors);
  const taken = await reestimate(graph, tensors, dataset, { batch: BATCH, seed: 5 });
  const norms = graph.nodes.filter(({ op }) => op === "batch-norm");
  expect(taken).toMatchObject({ layers: norms.length, images: 24 });
  expect(tensors).toEqual(before);

  // The same by the reference evaluator, in float64, from the maps that are normalised.
  const loader = openLoader(dataset, { workers: 0 });
  const want = new Map<string, Float64Array>();
  const add = (key: string, c: number, channels: number, value: number) => {
    if (!want.has(key)) want.set(key, new Float64Array(channels));
    want.get(key)![c] += value / 3;
  };
  for await (const batch of loader.batches({ split: "train", batch: BATCH, preprocess, seed: 5 })) {
    const x = { shape: [BATCH, 3, 8, 8], data: Float64Array.from(batch.images) };
    const { values } = evaluate(rebatch(graph, BATCH), { x, temperature: 0 }, tensors, {
      ...{ precision: 64, mode: "training" },
    });
    for (const { inputs } of norms) {
      const [map, , , mean, variance] = inputs;
      const { shape, data } = values.get(map)!;
      const [n, channels, h = 1, w = 1] = shape;
      const count = n * h * w;
      for (let c = 0; c < channels; c++) {
        const own = [...data].filter((_, i) => Math.floor(i / (h * w)) % channels === c);
        const average = own.reduce((sum, value) => sum + value, 0) / count;
        const squares = own.reduce((sum, value) => sum + (value - average) ** 2, 0);
        add(mean, c, channels, average);
        add(variance, c, channels, squares / (count - 1));
      }
    }
  }
  await loader.close();
  expect(want.size).toBe(2 * norms.length);
  for (const [key, values] of want) {
    const got = taken.tensors[key].data;
    const size = Math.max(...values.map(Math.abs), 1e-3);
    for (const [c, value] of values.entries()) {
      expect(Math.abs(got[c] - value) / size, `${key} ${c}`).toBeLessThan(1e-4);
    }
  }
  const changed = Object.keys(tensors).filter((key) => taken.tensors[key] !== tensors[key]);
  expect(new Set(changed)).toEqual(new Set(want.keys()));
});

it("looks at as many images as it is told", async () => {
  const { dataset, graph, tensors } = await given();
  const seen: number[] = [];
  const onProgress = (done: number) => seen.push(done);
  const taken = await reestimate(graph, tensors, dataset, { batch: 4, images: 9, onProgress });
  expect([taken.images, seen]).toEqual([12, [4, 8, 12]]);
});

it("refuses networks without statistics, tensors that are missing or spoilt", async () => {
  const { dataset, graph, tensors } = await given();
  const linear = buildModel("linear", { classes: 36, input: [3, 8, 8] });
  await expect(reestimate(linear, initialTensors(linear, 0), dataset)).rejects.toThrow(
    new UsageError("linear: has no batch normalisation whose statistics could be taken again"),
  );
  const key = "feature.0.conv1.weight";
  const { [key]: _, ...rest } = tensors;
  await expect(reestimate(graph, rest, dataset)).rejects.toThrow(`no values given for "${key}"`);
  const data = Float32Array.from(tensors[key].data).fill(Number.NaN);
  const spoilt = { ...tensors, [key]: { ...tensors[key], data } };
  await expect(reestimate(graph, spoilt, dataset)).rejects.toThrow(
    '"feature.0.bn1.running_mean" would be NaN in channel 0: look at the weights and at the images',
  );
});
