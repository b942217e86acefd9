import { evaluate, GraphBuilder, linear, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../../core/src/test-support/close.js";
import { drawTensor, randomStream } from "../../../core/src/test-support/draw.js";
import { trainingGraph } from "../engine/plan.js";
import { gradientOutput, gradients } from "./index.js";

describe("gradients through grids", () => {
  it("of a quantised layer are those of its quantised operands, passed straight through", () => {
    const random = randomStream(2);
    const b = new GraphBuilder("layer");
    const [n, features, outs] = [3, 6, 4];
    const x = b.tensor("x", {
      ...{ shape: [n, features], kind: "parameter", role: "other" },
      init: { kind: "constant", value: 0 },
    });
    const y = linear(b, "fc", x, outs, "fc", { weight: 4, input: 4 });
    const g = b.input("g", [n, outs]);
    b.output("loss", b.op("sum", [b.op("mul", [y, g])], { axes: [0, 1], keepDims: false }));
    const graph = gradients(b.build(), { loss: "loss" });
    const domain = { low: -1, high: 1 };
    const tensors = Object.fromEntries(
      Object.entries(graph.tensors).map(([key, t]) => [key, drawTensor(t.shape, domain, random)]),
    );
    const feeds = { g: drawTensor([n, outs], domain, random) };
    const { outputs, values } = evaluate(graph, feeds, tensors, { mode: "training" });
    const [xq, wq] = ["fc.quantise", "fc.quantise-weight"].map((name) => values.get(name)!.data);
    const sum = (count: number, term: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => term(i)).reduce((a, c) => a + c, 0);
    const { data } = feeds.g;
    const dw = Array.from({ length: outs * features }, (_, i) => {
      const [o, f] = [Math.floor(i / features), i % features];
      return sum(n, (row) => data[row * outs + o] * xq[row * features + f]);
    });
    const dx = Array.from({ length: n * features }, (_, i) => {
      const [row, f] = [Math.floor(i / features), i % features];
      return sum(outs, (o) => data[row * outs + o] * wq[o * features + f]);
    });
    expectClose(outputs[gradientOutput("fc.weight")].data, dw, 1e-5, "dw");
    expectClose(outputs[gradientOutput("x")].data, dx, 1e-5, "dx");
    expect(new Set(wq.subarray(0, features).map(Math.abs)).size).toBeGreaterThan(1);
  });

  it("reach every parameter of a whole quantised network", () => {
    for (const [name, options] of [
      ["bnext", { widths: [4, 8, 16], input: [1, 8, 8], seReduction: 4 }],
      ["bnext-18", { width: 4, depths: [1, 1, 1, 1], input: [3, 16, 16], seReduction: 2 }],
    ] as const) {
      const network = buildModel(name, { ...options, classes: 3, batch: 2, quantised: "8-4-8" });
      const graph = trainingGraph(network);
      const live = Object.entries(network.tensors).filter(([, { kind }]) => kind === "parameter");
      for (const [key] of live) expect(Object.keys(graph.outputs)).toContain(gradientOutput(key));
      const random = randomStream(5);
      const tensors: { [key: string]: Tensor } = Object.fromEntries(
        Object.entries(graph.tensors).map(([key, { shape }]) => [
          key,
          drawTensor(shape, { low: 0.1, high: 0.9 }, random),
        ]),
      );
      const feeds = {
        x: drawTensor([2, ...options.input], { low: -1, high: 1 }, random),
        target: { shape: [2, 3], data: Float32Array.of(0, 1, 0, 0.2, 0.3, 0.5) },
        temperature: 1e-8,
      };
      const { outputs } = evaluate(graph, feeds, tensors, { mode: "training" });
      const gates = live.filter(([, { role }]) => role === "gate").map(([key]) => key);
      for (const key of [...gates, "fc.weight"]) {
        const gradient = outputs[gradientOutput(key)].data;
        expect(gradient.every(Number.isFinite), key).toBe(true);
      }
      expect(outputs[gradientOutput("fc.weight")].data.some((d) => d !== 0)).toBe(true);
    }
  });
});
