import { describe, expect, it } from "vitest";
import type { GraphBuilder } from "../graph/builder.js";
import { binaryConv2d, conv2d, network, sign } from "../graph/layers.js";
import { comparePacked } from "../test-support/compare-packed.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { pack, unpack } from "./index.js";

const LEAST = -3.4028234663852886e38;
const binarizer = { scale: "none", estimator: "clip", range: 1 } as const;

/** A pixel more on the far side, as TensorFlow's "same" has it where the stride is 2. */
const far = (b: GraphBuilder, x: string, value: number) =>
  b.op("pad", [x], { before: [0, 0, 0, 1], after: [0, 0, 1, 2], value }, "pad");
const window = { kernel: [3, 3], stride: [2, 2], padding: [0, 0] } as const;

const readers = {
  "a real convolution": (b: GraphBuilder, x: string) =>
    conv2d(b, "c", far(b, x, 0), { out: 5, kernel: 3, stride: 2, padding: 0 }),
  "a binary convolution, zeros": (b: GraphBuilder, x: string) => binary(b, x, 0),
  "a binary convolution, ones": (b: GraphBuilder, x: string) => binary(b, x, 1),
  "a binary convolution, minus ones": (b: GraphBuilder, x: string) => binary(b, x, -1),
  "a maximum": (b: GraphBuilder, x: string) => b.op("max-pool", [far(b, x, LEAST)], window),
  "a mean": (b: GraphBuilder, x: string) => b.op("average-pool", [far(b, x, 0)], window),
};

function binary(b: GraphBuilder, x: string, value: number): string {
  const options = { out: 7, kernel: 3, stride: 2, padding: 0, binarizer };
  return binaryConv2d(b, "c", far(b, sign(b, "s", x), value), options);
}

describe("padding that is not the same on both sides is taken over by", () => {
  it.each(Object.entries(readers))("%s", (_, reader) => {
    const graph = network("padded", [1, 3, 6, 7], (b, x) => {
      const y = reader(b, x);
      return b.op("reshape", [b.op("global-average-pool", [y])], { shape: [0, -1] });
    });
    const tensors = randomWeights(graph, 3);
    const packed = pack(graph, tensors);
    const step = packed.program.steps.find((one) => "padding" in one);
    expect(step).toMatchObject({ padding: [0, 1], paddingEnd: [1, 2] });
    const image = randomImages([1, 3, 6, 7], 5);
    const { differentBits, error } = comparePacked(graph, tensors, packed, image);
    expect(differentBits).toBe(0);
    expect(error).toBeLessThan(1e-5);
    // And the way back.
    const again = unpack(packed.program, packed.tensors);
    expect(comparePacked(again.graph, again.tensors, packed, image).error).toBeLessThan(1e-5);
  });
});
