import { loadModel } from "onebit";
import { writeOnebit } from "onebit/file";
import { buildModel } from "onebit/models";
import { expect, it } from "vitest";
import { type ConvShape, convMacs, shapeName } from "./bare-convolution.js";
import { kernelShapes } from "./kernel-shapes.js";
import { benchKernels, kernelProgram } from "./kernels.js";
import { parsePeers } from "./peers/index.js";

const shape: ConvShape = {
  ...{ inputs: 20, outputs: 12, size: [7, 5], kernel: [3, 3], stride: [2, 1] },
  ...{ padding: [1, 0], groups: 2 },
};

it("finds the distinct binary convolutions of packed networks, and their work", async () => {
  const shapes = await kernelShapes();
  const names = shapes.map(shapeName);
  expect(new Set(names).size).toBe(names.length);
  expect(names[0]).toBe("3x3 256 to 256, 14x14");
  expect(names).toContain("3x3 128 to 128, 56x56 stride 2");
  const pair = shapes[names.indexOf("1x1 128 to 256, 28x28")];
  expect(pair.networks).toEqual(["reactnet-a"]);
  const { nodes } = buildModel("bnext-t");
  expect(nodes.filter(({ op }) => op === "binary-conv").length).toBeGreaterThan(shapes.length);
  expect(convMacs(shapes[0])).toBe(14 * 14 * 256 * 9 * 256);
});

it("times a convolution that computes what it says", async () => {
  const { program, tensors } = kernelProgram(shape);
  using model = await loadModel(await writeOnebit({ program, tensors }), { backend: "reference" });
  const [height, width] = shape.size;
  const length = shape.inputs * height * width;
  const data = Float32Array.from({ length }, (_, i) => ((i * 7) % 11) - 5.5);
  const { accumulators } = await model.run({ shape: [1, shape.inputs, height, width], data });
  const bits = tensors.w.data as Uint8Array;
  const rowBytes = tensors.w.shape[1];
  const perGroup = shape.inputs / shape.groups;
  for (let oy = 0; oy < 4; oy++)
    for (let ox = 0; ox < 3; ox++)
      for (let o = 0; o < shape.outputs; o++) {
        let sum = 0;
        for (let ky = 0; ky < 3; ky++)
          for (let kx = 0; kx < 3; kx++)
            for (let c = 0; c < perGroup; c++) {
              const [y, x] = [oy * 2 + ky - 1, ox + kx];
              if (y < 0 || y >= height) continue;
              const channel = Math.floor(o / (shape.outputs / shape.groups)) * perGroup + c;
              const bit = (ky * 3 + kx) * perGroup + c;
              const sign = (bits[o * rowBytes + (bit >> 3)] >> (bit & 7)) & 1 ? 1 : -1;
              sum += sign * (data[(channel * height + y) * width + x] > 0 ? 1 : -1);
            }
        expect(accumulators.data[(o * 4 + oy) * 3 + ox]).toBe(sum);
      }
});

it("rates shapes on backends and peers", async () => {
  const limits = { warmupMs: 0, minRounds: 2, maxRounds: 2 };
  const { rows, threads, clockGHz } = await benchKernels({
    ...{ backends: ["wasm", "reference"], threads: [1], limits },
    ...{ peers: await parsePeers("onnxruntime"), shapes: [{ ...shape, networks: ["none"] }] },
  });
  expect(threads).toBe(1);
  expect(clockGHz).toBeGreaterThan(0);
  const [{ results, macs, networks }] = rows;
  expect(macs).toBe(4 * 3 * 12 * 9 * 10);
  expect(networks).toEqual(["none"]);
  expect(results.map(({ engine }) => engine.replace(/ [\d.]+$/, ""))).toEqual([
    "onebit wasm",
    "onebit reference",
    "onnxruntime-node",
  ]);
  for (const { gmacs, medianMs, limit, limitShare } of results) {
    expect(gmacs).toBeCloseTo(macs / medianMs / 1e6, 9);
    if (limit) expect(limitShare).toBeCloseTo(gmacs / limit.gmacs, 9);
  }
});
