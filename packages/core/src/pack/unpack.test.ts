import { describe, expect, it } from "vitest";
import { evaluate } from "../graph/evaluate.js";
import { rebatch } from "../graph/rebatch.js";
import type { Tensor } from "../graph/types.js";
import { buildModel } from "../models/index.js";
import { toOnnx } from "../onnx/index.js";
import type { Program, ProgramTensors } from "../program/types.js";
import { runValues } from "../runtime/backends/reference/program.js";
import { outputTensor } from "../runtime/images.js";
import { expectClose } from "../test-support/close.js";
import { channelsLast } from "../test-support/compare-packed.js";
import { randomProgram } from "../test-support/random-program.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { pack, unpack } from "./index.js";

const small = { classes: 7, input: [3, 16, 16] as const };
const bnext = { ...small, widths: [6, 12, 24, 24, 48, 48] };
const networks: [string, string, object][] = [
  ["bnext-nano", "bnext-nano", {}],
  ["reactnet-nano", "reactnet-nano", {}],
  ["bnext", "bnext", bnext],
  ["bnext, real", "bnext", { ...bnext, form: "real" }],
  ["bnext, step 1", "bnext", { ...bnext, form: "step1" }],
  ["bnext, gate on the input", "bnext", { ...bnext, gate: "input" }],
  ["bnext-18", "bnext-18", { ...small, width: 8 }],
  [
    "bnext-18, ImageNet stem",
    "bnext-18",
    { ...small, input: [3, 64, 64], width: 8, stem: "imagenet" },
  ],
  ["reactnet-a", "reactnet", { ...small, widths: [6, 12, 12, 24, 24] }],
  ["reactnet-a, real", "reactnet", { ...small, widths: [6, 12, 12, 24, 24], form: "real" }],
  ["reactnet-18", "reactnet-18", { ...small, input: [3, 64, 64], width: 8 }],
  ["linear", "linear", small],
];

function packedNetwork(model: string, options: object, seed: number) {
  const graph = buildModel(model, options);
  const image = randomImages(graph.inputs[0].shape, seed + 1);
  return { graph, image, ...pack(graph, randomWeights(graph, seed)) };
}

/** Every output of the reference backend, as [1, C, H, W] or [1, C]. */
function referenceOutputs(program: Program, tensors: ProgramTensors, image: Float32Array) {
  const values = runValues(program, tensors, image);
  const outputs = Object.entries(program.outputs).map(([name, id]): [string, Tensor] => {
    const { kind, shape } = program.values[id];
    return [name, outputTensor(values[id] as Float32Array, 1, kind, shape)];
  });
  return Object.fromEntries(outputs);
}

function expectOutputs(
  actual: { readonly [name: string]: Tensor },
  expected: { readonly [name: string]: Tensor },
  label: string,
): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name].shape, `${label}, ${name}`).toEqual(shape);
    expectClose(actual[name].data, data, 1e-5, `${label}, ${name}`);
  }
}

/** [H, W, C] of one image to [1, C, H, W]. */
function channelsFirst(image: Float32Array, { values, input }: Program): Tensor {
  const { data, shape } = outputTensor(image, 1, "map", values[input].shape);
  return { data, shape };
}

describe.each(networks)("%s, packed and unpacked", (_, model, options) => {
  const { graph, image, program, tensors } = packedNetwork(model, options, 1);
  const expected = referenceOutputs(program, tensors, channelsLast(image));
  const unpacked = unpack(program, tensors);

  it("computes what the reference backend computes", () => {
    const { outputs } = evaluate(unpacked.graph, { x: image }, unpacked.tensors);
    expectOutputs(outputs, expected, "evaluated");
    expect(Object.keys(expected)).toEqual(Object.keys(graph.outputs));
  });

  it("holds every value of the program under its name, bits without a difference", () => {
    const values = runValues(program, tensors, channelsLast(image));
    const { values: found } = evaluate(unpacked.graph, { x: image }, unpacked.tensors);
    const named = program.values.filter(({ name }) => found.has(name));
    expect(named.length).toBeGreaterThan(0.9 * program.values.length);
    program.values.forEach(({ name, kind }, id) => {
      const value = found.get(name);
      if (!value) return;
      const actual = channelsLast(value);
      if (kind === "bits") expect(actual, name).toEqual(Float32Array.from(values[id]));
      else expectClose(actual, values[id], 2e-5, name);
    });
  });

  it("does the same in ONNX Runtime, for a batch too", async () => {
    const batch = rebatch(unpacked.graph, 3);
    const x = randomImages(batch.inputs[0].shape, 5);
    const onnx = toOnnx(batch, { tensors: unpacked.tensors });
    const actual = await runOnnx(onnx, { x });
    const length = x.data.length / 3;
    for (let n = 0; n < 3; n++) {
      const one = { shape: image.shape, data: x.data.slice(n * length, (n + 1) * length) };
      const wanted = referenceOutputs(program, tensors, channelsLast(one));
      const found = Object.entries(actual).map(([name, { shape, data }]): [string, Tensor] => {
        const size = data.length / 3;
        const part = data.slice(n * size, (n + 1) * size);
        return [name, { shape: [1, ...shape.slice(1)], data: part }];
      });
      expectOutputs(Object.fromEntries(found), wanted, `ONNX Runtime, image ${n}`);
    }
  });

  it("names its nodes after the packed network", () => {
    const covered = new Set(program.steps.flatMap(({ covers }) => covers));
    const known = new Set(program.values.map(({ name }) => name));
    for (const { name } of unpacked.graph.nodes) {
      const scope = name.split("/")[0];
      expect(known.has(name) || known.has(scope) || covered.has(scope), name).toBe(true);
    }
  });

  it("has 1-bit weights of exactly -1 and +1", () => {
    const { graph: float } = unpacked;
    const convolutions = float.nodes.filter(({ op }) => op === "binary-conv");
    const steps = program.steps.filter(({ kind }) => kind === "binary-conv");
    expect(convolutions.length).toBe(steps.length);
    for (const { inputs } of convolutions) {
      const { data } = unpacked.tensors[inputs[1]];
      expect(float.tensors[inputs[1]].role).toBe("binary");
      expect(data.every((w) => w === 1 || w === -1)).toBe(true);
    }
  });

  it("packs again to a program that gives the same numbers", () => {
    const again = pack(unpacked.graph, unpacked.tensors);
    const outputs = referenceOutputs(again.program, again.tensors, channelsLast(image));
    expectOutputs(outputs, expected, "packed again");
  });
});

/** Every micro-op and step kind, slices, groups, odd paddings, vectors stretched over maps. */
describe("random programs, unpacked", () => {
  const seeds = Array.from({ length: 150 }, (_, seed) => seed);

  it("compute what the reference backend computes", () => {
    for (const seed of seeds) {
      const { program, tensors, image } = randomProgram(seed);
      const expected = referenceOutputs(program, tensors, image);
      const { graph, tensors: weights } = unpack(program, tensors);
      const feeds = { [graph.inputs[0].name]: channelsFirst(image, program) };
      expectOutputs(evaluate(graph, feeds, weights).outputs, expected, `seed ${seed}`);
    }
  });

  it("do so in ONNX Runtime", async () => {
    for (const seed of seeds.slice(0, 60)) {
      const { program, tensors, image } = randomProgram(seed);
      const expected = referenceOutputs(program, tensors, image);
      const { graph, tensors: weights } = unpack(program, tensors);
      const feeds = { [graph.inputs[0].name]: channelsFirst(image, program) };
      const actual = await runOnnx(toOnnx(graph, { tensors: weights }), feeds);
      expectOutputs(actual, expected, `seed ${seed}`);
    }
  });
});
