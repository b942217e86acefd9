import { describe, expect, it } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { GraphBuilder } from "./builder.js";
import { evaluate } from "./evaluate.js";
import {
  batchNorm,
  binaryConv2d,
  conv2d,
  defaultInit,
  globalAveragePool,
  halve,
  linear,
  network,
  rprelu,
  rsign,
  squeezeExcite,
} from "./layers.js";
import { type Graph, type Shape, sizeOf, type Tensor } from "./types.js";

/** The example of the documentation: a ReActNet block, written down by a user. */
function reactBlock(b: GraphBuilder, key: string, x: string): string {
  const out = b.shape(x)[1];
  const binarizer = { scale: "channel-mean", estimator: "clip", range: 1 } as const;
  const half = (name: string, input: string, kernel: number) => {
    const signs = rsign(b, `${name}.rsign`, input, { estimator: "approx" });
    const y = binaryConv2d(b, `${name}.conv`, signs, { out, kernel, binarizer });
    const sum = b.op("add", [batchNorm(b, `${name}.bn`, y), input]);
    const keys = { before: `${name}.shift`, slope: `${name}.prelu`, after: `${name}.lift` };
    return rprelu(b, keys, sum, name);
  };
  return half(`${key}.1x1`, half(`${key}.3x3`, x, 3), 1);
}

const graph = network("custom", [2, 3, 8, 8], (b, x) => {
  const stem = batchNorm(b, "bn1", conv2d(b, "conv1", x, { out: 4, kernel: 3, role: "stem" }));
  return linear(b, "fc", globalAveragePool(b, "pool", reactBlock(b, "block", stem)), 5);
});

const filled = (shape: Shape, at: (i: number) => number): Tensor => ({
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => at(i)),
});

function weights({ tensors }: Graph, at: (key: string) => (i: number) => number) {
  return Object.fromEntries(
    Object.entries(tensors).map(([key, { shape }]) => [key, filled(shape, at(key))]),
  );
}

describe("network", () => {
  it("defines a whole network whose output is logits", () => {
    expect(graph.inputs).toEqual([{ name: "x", shape: [2, 3, 8, 8] }]);
    expect(graph.outputs).toEqual({ logits: "fc" });
    expect(Object.keys(graph.tensors)).toContain("block.3x3.rsign.bias");
    const tensors = weights(graph, (key) => (i) => (key.endsWith("var") ? 1 : Math.sin(i + 1)));
    const { outputs } = evaluate(graph, { x: filled([2, 3, 8, 8], Math.cos) }, tensors);
    expect(outputs.logits.shape).toEqual([2, 5]);
    expect(outputs.logits.data.every(Number.isFinite)).toBe(true);
  });

  it("names nodes after their layers", () => {
    const names = graph.nodes.map(({ name }) => name);
    for (const name of ["conv1", "bn1", "block.3x3.conv", "block.3x3", "block.1x1", "fc"]) {
      expect(names).toContain(name);
    }
  });

  it("passes the name of a user's estimator to the sign", () => {
    const own = network("own", [1, 2, 4, 4], (b, x) => {
      const signs = rsign(b, "s", x, { estimator: "my-estimator", zero: 1 });
      return linear(b, "fc", globalAveragePool(b, "pool", signs), 2);
    });
    const node = own.nodes.find(({ op }) => op === "sign");
    expect(node!.attrs).toMatchObject({ estimator: "my-estimator", zero: 1 });
  });

  it("reports a layer that does not fit by its name", () => {
    const build = () =>
      network("bad", [1, 3, 4, 4], (b, x) =>
        conv2d(b, "stem", x, { out: 4, kernel: 9, padding: 0 }),
      );
    expect(build).toThrow(/stem.*kernel 9x9 is larger/);
    expect(build).toThrow(OnebitError);
  });
});

describe("layers", () => {
  const b = new GraphBuilder("layers");
  const x = b.input("x", [1, 8, 6, 6]);
  const tensors = () => b.build().tensors;

  it("starts weights and biases as PyTorch does", () => {
    conv2d(b, "grouped", x, { out: 12, kernel: 3, groups: 4, bias: true });
    const fanIn = { kind: "uniform-fan-in", fanIn: 2 * 9 };
    expect(tensors()["grouped.weight"]).toMatchObject({ shape: [12, 2, 3, 3], init: fanIn });
    expect(tensors()["grouped.bias"]).toMatchObject({ shape: [12], init: fanIn });
    expect(defaultInit([10, 64])).toEqual({ kind: "uniform-fan-in", fanIn: 64 });
  });

  it("gives batch-norm its five entries and two updates", () => {
    batchNorm(b, "bn", x);
    const kinds = Object.entries(tensors()).filter(([key]) => key.startsWith("bn."));
    expect(kinds.map(([key, { kind }]) => `${key} ${kind}`)).toEqual([
      "bn.weight parameter",
      "bn.bias parameter",
      "bn.running_mean buffer",
      "bn.running_var buffer",
      "bn.num_batches_tracked counter",
    ]);
    expect(b.build().updates).toMatchObject({
      "bn.running_mean": "bn:mean",
      "bn.running_var": "bn:var",
    });
  });

  it("keeps a gate at least one channel wide", () => {
    const means = b.op("global-average-pool", [x]);
    const gate = squeezeExcite(b, "se", means, { out: 6, reduction: 8 });
    expect(b.shape(gate)).toEqual([1, 6, 1, 1]);
    expect(tensors()["se.1.weight"].shape).toEqual([1, 8, 1, 1]);
    expect(tensors()["se.3.weight"]).toMatchObject({ shape: [6, 1, 1, 1], role: "gate" });
  });

  it("halves even maps only", () => {
    expect(b.shape(halve(b, "half", x))).toEqual([1, 8, 3, 3]);
    expect(() => halve(b, "again", "half")).toThrow(UsageError);
    expect(() => halve(b, "again", "half")).toThrow(/again: a 3x3 map.*even input sizes/);
  });
});

describe("arithmetic of the ReActNet layers", () => {
  // y = PReLU(x + before) + after against the formula of the paper, and signs around -bias.
  const shape = [1, 2, 3, 3];
  const small = network("small", shape, (b, x) => {
    b.output("signs", rsign(b, "r", x));
    b.output("y", rprelu(b, { before: "b", slope: "s", after: "a" }, x));
    return linear(b, "fc", globalAveragePool(b, "pool", x), 2);
  });
  const x = filled(shape, (i) => (i % 9) / 2 - 2.15);
  const at: { [key: string]: number[] } = {
    "r.bias": [0.3, -0.4],
    "b.bias": [-0.5, 0.2],
    "s.weight": [0.25, -0.1],
    "a.bias": [0.7, -0.9],
  };
  const given = weights(small, (key) => (i) => at[key]?.[i] ?? 0);
  const { outputs } = evaluate(small, { x }, given, { precision: 64 });

  it("RPReLU", () => {
    x.data.forEach((value, i) => {
      const c = Math.floor(i / 9);
      const [gamma, beta, zeta] = [-at["b.bias"][c], at["s.weight"][c], at["a.bias"][c]];
      const want = value > gamma ? value - gamma + zeta : beta * (value - gamma) + zeta;
      expect(outputs.y.data[i]).toBeCloseTo(want, 6);
    });
  });

  it("RSign", () => {
    x.data.forEach((value, i) => {
      const alpha = -at["r.bias"][Math.floor(i / 9)];
      expect(outputs.signs.data[i]).toBe(value > alpha ? 1 : -1);
    });
  });
});
