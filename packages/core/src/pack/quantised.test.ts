import { describe, expect, it } from "vitest";
import { evaluate } from "../graph/evaluate.js";
import { buildModel } from "../models/index.js";
import { toOnnx } from "../onnx/index.js";
import { programCost } from "../program/cost.js";
import { reference } from "../runtime/backends/reference/index.js";
import { wasm } from "../runtime/backends/wasm/index.js";
import { channelsLast, comparePacked } from "../test-support/compare-packed.js";
import { expectSameFloats } from "../test-support/packed-step.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { pack } from "./index.js";
import { unpack } from "./unpack.js";

const small = { classes: 7, input: [3, 16, 16] as const };
const bnext = { ...small, widths: [8, 16, 32, 32, 64, 64] };

const networks: [label: string, model: string, options: object][] = [
  ["bnext", "bnext", { ...bnext, quantised: "8-4-8" }],
  ["bnext, 8-bit gates", "bnext", { ...bnext, quantised: "8-8-8" }],
  ["bnext, float gates", "bnext", { ...bnext, quantised: "8-32-8" }],
  ["bnext of a grey image", "bnext-nano", { quantised: "8-4-8" }],
  ["bnext with a 4-bit stem", "bnext", { ...bnext, quantised: "4-32-4" }],
  ["bnext, step 1", "bnext", { ...bnext, form: "step1", quantised: "8-4-8" }],
  ["bnext-18", "bnext-18", { ...small, width: 8, quantised: "8-4-8" }],
  [
    "bnext-18 of an ImageNet stem",
    "bnext-18",
    { ...small, input: [3, 64, 64], stem: "imagenet", width: 8, quantised: "8-8-8" },
  ],
];

describe.each(networks)("%s", (_, model, options) => {
  const graph = buildModel(model, options);
  const weights = randomWeights(graph, 4);
  const packed = pack(graph, weights);
  const image = randomImages(graph.inputs[0].shape, 2);

  it("packs to a program that computes what the graph does, value by value", () => {
    const result = comparePacked(graph, weights, packed, image);
    expect(result.uncovered).toEqual([]);
    expect(result.differentBits).toBe(0);
    // Rounding errors move some numbers to the next of 65,535 levels.
    const isFine = graph.nodes.some(({ attrs }) => attrs.bits === 16);
    expect(result.error, result.worst).toBeLessThan(isFine ? 1e-4 : 1e-5);
  });

  it("has the weights of the graph, bit for bit, and the codes that they are made from", () => {
    const { values } = evaluate(graph, { x: image, temperature: 0 }, weights);
    const expected = graph.nodes.filter(({ op }) => op === "quantise-weight");
    const quantised = Object.entries(packed.tensors).filter(
      ([, t]) => "quantised" in t && t.quantised,
    );
    expect(quantised).toHaveLength(expected.length);
    for (const { name } of expected) {
      const user = graph.nodes.find(({ inputs }) => inputs.includes(name))!;
      const [, tensor] = quantised.find(([key]) => key === `${user.name}.weight`)!;
      const sorted = (data: ArrayLike<number>) => Float32Array.from(data).sort();
      expect(sorted(tensor.data)).toEqual(sorted(values.get(name)!.data));
    }
  });

  it("gives the same bits on wasm as on the reference", async () => {
    const data = channelsLast(image);
    const { program, tensors } = packed;
    const expected = await (await reference.compile(program, tensors, { threads: 1 })).run(data, 1);
    const actual = await (await wasm.compile(program, tensors, { threads: 1 })).run(data, 1);
    for (const [name, values] of Object.entries(expected)) {
      expectSameFloats(actual[name], values, name);
    }
  });

  it("runs in ONNX Runtime, as exported and as unpacked", async () => {
    const { logits } = evaluate(graph, { x: image, temperature: 0 }, weights).outputs;
    const scale = Math.max(...logits.data.map(Math.abs));
    const scalars = { temperature: 0 };
    const unpacked = unpack(packed.program, packed.tensors);
    const models = [
      toOnnx(graph, { tensors: weights, scalars }),
      toOnnx(graph, { tensors: weights, scalars, target: "webgpu" }),
      toOnnx(unpacked.graph, { tensors: unpacked.tensors }),
    ];
    for (const bytes of models) {
      const actual = await runOnnx(bytes, { x: image });
      actual.logits.data.forEach((value, i) => {
        expect(Math.abs(value - logits.data[i])).toBeLessThanOrEqual(2e-5 * scale);
      });
    }
  });

  it("counts its grids as element-wise work", () => {
    const grids = programCost(packed.program).steps.filter(({ kind }) => kind === "quantise");
    expect(grids.length).toBeGreaterThan(0);
    for (const { macs, elementwise } of grids) expect(macs === 0 && elementwise > 0).toBe(true);
  });
});
