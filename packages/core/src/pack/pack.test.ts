import { describe, expect, it } from "vitest";
import { buildModel } from "../models/index.js";
import { comparePacked } from "../test-support/compare-packed.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { pack } from "./index.js";

describe("whole networks, packed against float64", () => {
  it.each(["bnext-nano", "reactnet-nano"])("%s", (name) => {
    const graph = buildModel(name);
    const weights = randomWeights(graph, 1);
    const packed = pack(graph, weights);
    const image = randomImages(graph.inputs[0].shape, 2);
    const result = comparePacked(graph, weights, packed, image);
    console.log(result, packed.program.steps.map((s) => s.kind + " " + JSON.stringify(s.epilogue)).join("\n"));
    expect(result.differentBits).toBe(0);
  });
});
