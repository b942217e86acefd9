import { describe, expect, it } from "vitest";
import { comparePacked } from "../test-support/compare-packed.js";
import { randomGraph } from "../test-support/random-graph.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { pack } from "./index.js";

describe("random networks", () => {
  it("pack to programs that compute what the graph does, value by value", () => {
    let stable = 0;
    for (let seed = 0; seed < 300; seed++) {
      const graph = randomGraph(seed);
      const weights = randomWeights(graph, seed);
      const image = randomImages(graph.inputs[0].shape, seed);
      const result = comparePacked(graph, weights, pack(graph, weights), image);
      const where = `seed ${seed}, ${result.worst}`;
      expect(result.uncovered, where).toEqual([]);
      // A sign's input this close to 0 may fall on the other side in float32.
      if (result.margin < 1e-5) continue;
      stable++;
      expect(result.differentBits, where).toBe(0);
      expect(result.error, where).toBeLessThan(1e-5);
    }
    expect(stable).toBeGreaterThan(270);
  });
});
