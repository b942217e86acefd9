import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { softmax, topPredictions } from "./top.js";

describe("topPredictions", () => {
  it("names the likeliest first, equals by their number", () => {
    const logits = Float32Array.of(1, 3, 2, 3);
    expect(topPredictions(logits, 3).map(({ label }) => label)).toEqual(["1", "3", "2"]);
    const [best] = topPredictions(logits, 1, ["a", "b", "c", "d"]);
    expect(best).toMatchObject({ index: 1, label: "b" });
    const powers = [1, 3, 2, 3].map(Math.exp);
    expect(best.probability).toBeCloseTo(Math.exp(3) / powers.reduce((a, b) => a + b), 12);
    expect(topPredictions(logits, 9)).toHaveLength(4);
  });

  it("gives probabilities that add up to one, whatever the logits", () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 1, maxLength: 20, noNaN: true, noDefaultInfinity: true }),
        (logits) => {
          const sum = softmax(logits).reduce((total, p) => total + p, 0);
          expect(sum).toBeCloseTo(1, 12);
        },
      ),
    );
  });
});
