import { evaluate, type Graph } from "onebit/graph";
import { pack } from "onebit/pack";
import type { BinaryConvStep, Program } from "onebit/program";
import { describe, expect, it } from "vitest";
import { randomGraph } from "../../../core/src/test-support/random-graph.js";
import { randomImages, randomWeights } from "../../../core/src/test-support/random-weights.js";
import { unscaled, visibleNodes } from "./float-values.js";
import { imageValue, type Trace, type Value } from "./tensors.js";
import { Walk } from "./walk.js";
import { walkPacked } from "./walk-packed.js";

/** What the float graph computes, in float64. */
function oracleTrace(graph: Graph, weights: ReturnType<typeof randomWeights>, seed: number) {
  const [input] = graph.inputs;
  const image = randomImages(input.shape, seed);
  const computed = evaluate(graph, { [input.name]: image }, weights, { precision: 64 }).values;
  const { nodes, sums } = visibleNodes(graph, weights, input.name);
  const values = new Map<string, Value>();
  const margins = new Map<string, Value>();
  const value = (name: string) => imageValue(computed.get(name)!);
  for (const { name, op, inputs } of nodes) {
    const own = value(name);
    if (own) values.set(name, own);
    const seen = op === "sign" ? value(inputs[0]) : undefined;
    if (seen) margins.set(name, seen);
    const sum = sums.get(name);
    if (sum && own) values.set(`${name}:sum`, sum.scales ? unscaled(own, sum.scales) : own);
  }
  return {
    image: { shape: image.shape, data: image.data as Float32Array },
    trace: { values, margins },
  };
}

/** Whether the first weight of a kernel lies over the image somewhere, not only over padding. */
function meetsPixels(
  { values }: Program,
  { input, stride, padding, kernel, padValue }: BinaryConvStep,
) {
  return [0, 1].every((axis) => {
    const size = values[input].shape[axis];
    const count = Math.floor((size + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
    const places = Array.from({ length: count }, (_, i) => i * stride[axis] - padding[axis]);
    return padValue !== 0 || places.some((place) => place >= 0 && place < size);
  });
}

describe("walking a packed network beside its float graph", () => {
  it("raises no false alarm on 150 random networks", () => {
    let compared = 0;
    for (let seed = 0; seed < 150; seed++) {
      const graph = randomGraph(seed);
      const weights = randomWeights(graph, seed);
      const packed = pack(graph, weights);
      const { image, trace } = oracleTrace(graph, weights, seed);
      const walk = new Walk(2e-5);
      walkPacked(packed, image, trace as Trace, walk);
      expect(walk.differences, `seed ${seed}`).toEqual([]);
      compared += walk.compared.size;
    }
    expect(compared).toBeGreaterThan(1000);
  });

  it("finds each of 150 flipped weight bits, at its convolution", () => {
    let faults = 0;
    for (let seed = 0; faults < 150; seed++) {
      const graph = randomGraph(seed);
      const weights = randomWeights(graph, seed);
      const { program, tensors } = pack(graph, weights);
      const binary = program.steps.filter((step) => step.kind === "binary-conv");
      const step = binary[seed % Math.max(1, binary.length)];
      if (!step) continue;
      const data = tensors[step.weight].data.slice() as Uint8Array;
      data[0] ^= 1;
      const broken = { ...tensors, [step.weight]: { ...tensors[step.weight], data } as never };
      const { image, trace } = oracleTrace(graph, weights, seed);
      const walk = new Walk(2e-5);
      walkPacked({ program, tensors: broken }, image, trace, walk);
      if (!meetsPixels(program, step)) continue;
      expect(walk.differences.map(({ node, kind }) => [node, kind])).toEqual([
        [step.weight.replace(/\.weight(\.\d+)?$/, ""), "sum"],
      ]);
      faults++;
    }
  });
});
