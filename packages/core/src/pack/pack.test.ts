import { describe, expect, it } from "vitest";
import { buildModel } from "../models/index.js";
import { compactProgram } from "../program/compact.js";
import { comparePacked } from "../test-support/compare-packed.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { pack } from "./index.js";

const small = { classes: 7, input: [3, 16, 16] as const };
const bnext = { ...small, widths: [6, 12, 24, 24, 48, 48] };
const names: [string, string, object][] = [
  ["bnext-nano", "bnext-nano", {}],
  ["reactnet-nano", "reactnet-nano", {}],
  ["bnext", "bnext", bnext],
  ["bnext without ELM", "bnext", { ...bnext, elm: false }],
  ["bnext, gate on the input", "bnext", { ...bnext, gate: "input" }],
  ["bnext without gates", "bnext", { ...bnext, gate: "none" }],
  ["bnext without gates and ELM", "bnext", { ...bnext, gate: "none", elm: false }],
  ["bnext, step 1", "bnext", { ...bnext, form: "step1" }],
  ["bnext, real", "bnext", { ...bnext, form: "real" }],
  ["bnext-18", "bnext-18", { ...small, width: 8 }],
  [
    "bnext-18, ImageNet stem",
    "bnext-18",
    { ...small, input: [3, 64, 64], width: 8, stem: "imagenet" },
  ],
  ["bnext-18, real", "bnext-18", { ...small, width: 8, form: "real" }],
  ["reactnet-a", "reactnet", { ...small, widths: [6, 12, 12, 24, 24] }],
  ["reactnet-a, step 1", "reactnet", { ...small, widths: [6, 12, 12, 24, 24], form: "step1" }],
  ["reactnet-a, real", "reactnet", { ...small, widths: [6, 12, 12, 24, 24], form: "real" }],
  ["reactnet-18", "reactnet-18", { ...small, input: [3, 64, 64], width: 8 }],
  ["linear", "linear", small],
];

describe("whole networks, packed against float64", () => {
  it.each(names)("%s", (_, name, options) => {
    const graph = buildModel(name, options);
    const weights = randomWeights(graph, 1);
    const packed = pack(graph, weights);
    const image = randomImages(graph.inputs[0].shape, 2);
    const result = comparePacked(graph, weights, packed, image);
    const names = Object.keys(packed.tensors);
    const { compared, error, worst, margin } = result;
    console.log(
      packed.program.steps.length,
      JSON.stringify(compactProgram(packed.program, names)).length,
      compared,
      error,
      worst,
      margin,
    );
    expect(result.uncovered).toEqual([]);
    expect(result.differentBits).toBe(0);
    expect(result.error).toBeLessThan(1e-5);
  });
});
