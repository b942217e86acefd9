import { describe, expect, it } from "vitest";
import { buildModel } from "../../../models/index.js";
import { pack } from "../../../pack/index.js";
import { forOutputs } from "../../../program/passes/for-outputs.js";
import { channelsLast } from "../../../test-support/compare-packed.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import { randomImages, randomWeights } from "../../../test-support/random-weights.js";
import { reference } from "../reference/index.js";
import { wasm } from "./index.js";

const small = { classes: 7, input: [3, 16, 16] as const };
const bnext = { ...small, widths: [6, 12, 24, 24, 48, 48] };

const networks: [label: string, model: string, options: object][] = [
  ["bnext-nano", "bnext-nano", {}],
  ["reactnet-nano", "reactnet-nano", {}],
  ["bnext of odd widths", "bnext", bnext],
  ["bnext without ELM", "bnext", { ...bnext, elm: false }],
  ["bnext, gate on the input", "bnext", { ...bnext, gate: "input" }],
  ["bnext without gates", "bnext", { ...bnext, gate: "none" }],
  ["bnext, step 1", "bnext", { ...bnext, form: "step1" }],
  ["bnext, real", "bnext", { ...bnext, form: "real" }],
  ["bnext-18", "bnext-18", { ...small, width: 8 }],
  ["bnext, 8-4-8", "bnext", { ...bnext, quantised: "8-4-8", storedScale: true }],
  [
    "bnext-18, 32-8-8-8",
    "bnext-18",
    { ...small, width: 8, quantised: "32-8-8-8", shortcutBias: true },
  ],
  ["reactnet-a", "reactnet", { ...small, widths: [6, 12, 12, 24, 24] }],
  ["reactnet-a, pairs merged", "reactnet", { ...small, widths: [32, 64, 64, 128] }],
  ["reactnet-18", "reactnet-18", { ...small, input: [3, 64, 64] as const, width: 8 }],
];

describe("packed networks give the bits of the reference", () => {
  it.each(networks)("%s", async (_, model, options) => {
    const graph = buildModel(model, options);
    const { program, tensors } = pack(graph, randomWeights(graph, 1));
    const image = channelsLast(randomImages(graph.inputs[0].shape, 2));
    const threads = { threads: 1 };
    const expected = await (await reference.compile(program, tensors, threads)).run(image, 1);
    const actual = await (await wasm.compile(program, tensors, threads)).run(image, 1);
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [name, values] of Object.entries(expected)) {
      expectSameFloats(actual[name], values, name);
    }
    const pruned = forOutputs(program, ["logits"]);
    const { logits } = await (await wasm.compile(pruned, tensors, threads)).run(image, 1);
    expectSameFloats(logits, expected.logits, "logits alone");
  });
});
