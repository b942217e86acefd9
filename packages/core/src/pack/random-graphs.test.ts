import { describe, expect, it } from "vitest";
import type { Program, Step } from "../program/types.js";
import { comparePacked } from "../test-support/compare-packed.js";
import { randomGraph } from "../test-support/random-graph.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { pack } from "./index.js";

/** Bits written at a channel offset: a sign behind a concatenation. */
const hasSlicedBits = ({ epilogue }: Step) => epilogue.some((op) => op[0] === "bits" && op[4] > 0);

/** A value computed again from a loaded one. */
const recomputes = ({ epilogue }: Step) =>
  epilogue.some(([op], i) => op === "prelu" && epilogue[i - 1]?.[0] === "load");

describe("random networks", () => {
  it("pack to programs that compute what the graph does, value by value", () => {
    let stable = 0;
    const programs: Program[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const graph = randomGraph(seed);
      const weights = randomWeights(graph, seed);
      const packed = pack(graph, weights);
      programs.push(packed.program);
      const image = randomImages(graph.inputs[0].shape, seed);
      const result = comparePacked(graph, weights, packed, image);
      const where = `seed ${seed}, ${result.worst}`;
      expect(result.uncovered, where).toEqual([]);
      // A sign's input this close to 0 may fall on the other side in float32.
      if (result.margin < 1e-5) continue;
      stable++;
      expect(result.differentBits, where).toBe(0);
      expect(result.error, where).toBeLessThan(1e-5);
    }
    expect(stable).toBeGreaterThan(270);
    // The generator reaches the less common forms.
    const withSteps = (has: (step: Step) => boolean) =>
      programs.filter(({ steps }) => steps.some(has)).length;
    expect(withSteps(hasSlicedBits)).toBeGreaterThan(5);
    expect(withSteps(recomputes)).toBeGreaterThan(5);
  });
});
