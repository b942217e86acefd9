import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Tensor } from "../graph/types.js";
import { buildModel, type ModelOptions } from "../models/index.js";
import { prepareProgram } from "../runtime/backends/reference/program.js";
import { channelsLast } from "../test-support/compare-packed.js";
import { readNpy } from "../test-support/npy.js";
import { shared } from "../test-support/shared.js";
import { readTorchZip } from "../test-support/torch-zip.js";
import { pack } from "./index.js";

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

function row({ data, shape }: Tensor, n: number): Tensor {
  const size = data.length / shape[0];
  return { shape: [1, ...shape.slice(1)], data: data.slice(n * size, (n + 1) * size) };
}

/** max|logit - expected| / max|expected|. */
function errorOf(logits: Float32Array, { data }: Tensor): number {
  let [difference, largest] = [0, 0];
  data.forEach((x, i) => {
    difference = Math.max(difference, Math.abs(logits[i] - x));
    largest = Math.max(largest, Math.abs(x));
  });
  return difference / largest;
}

const best = (data: ArrayLike<number>) => {
  const list = Array.from(data);
  return list.indexOf(Math.max(...list));
};

describe.each(bundles)("$name, packed", ({ name, model, options }) => {
  const folder = shared(`goldens/${name}`);
  if (!folder) return it("skipped: no goldens", () => {});
  const file = (path: string) => join(folder, path);
  const weights = readTorchZip(file("state_dict.pth"));
  const { program, tensors } = pack(buildModel(model, options), weights);
  const executable = prepareProgram(program, tensors);
  const logits = async (images: Tensor, n: number) =>
    (await executable.run(channelsLast(row(images, n)), 1)).logits;

  it("gives the official logits (rule A)", async () => {
    const input = readNpy(file("input.npy"));
    const expected = readNpy(file("logits-f64.npy"));
    for (let n = 0; n < input.shape[0]; n++) {
      const actual = await logits(input, n);
      expect(errorOf(actual, row(expected, n))).toBeLessThan(2e-5);
      expect(best(actual)).toBe(best(row(expected, n).data));
    }
  });

  it("gives them on images that nobody selected, but for sign flips (rule C)", async () => {
    const input = readNpy(file("inputs-many.npy"));
    const single = readNpy(file("logits-many.npy"));
    const double = readNpy(file("logits-many-f64.npy"));
    let [close, agreeing] = [0, 0];
    const count = input.shape[0];
    for (let n = 0; n < count; n++) {
      const actual = await logits(input, n);
      const errors = [single, double].map((expected) => errorOf(actual, row(expected, n)));
      if (Math.min(...errors) <= 1e-4) close++;
      if (best(actual) === best(row(double, n).data)) agreeing++;
    }
    expect(close / count).toBeGreaterThanOrEqual(0.9);
    expect(agreeing / count).toBeGreaterThanOrEqual(0.9);
  });
});
