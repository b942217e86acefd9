import { evaluate, type Graph, GraphBuilder, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../../core/src/test-support/close.js";
import { drawTensor, randomStream } from "../../../core/src/test-support/draw.js";
import { tensor } from "../../../core/src/test-support/one-op.js";
import { trainingGraph } from "../engine/plan.js";
import { gradientOutput, gradients } from "./index.js";

/** Small, so that hardly any PReLU input crosses its kink. */
const STEP = 1e-6;

/** The forward half: differences need no backward pass. */
function forward(graph: Graph): Graph {
  const end = graph.nodes.findIndex(({ name }) => name === graph.outputs.loss) + 1;
  const { loss } = graph.outputs;
  return { ...graph, nodes: graph.nodes.slice(0, end), outputs: { loss }, updates: {} };
}

/** Central differences in float64 of the output "loss" with respect to elements of one tensor. */
function differences(
  graph: Graph,
  feeds: { [name: string]: Tensor },
  tensors: { [key: string]: Tensor },
  key: string,
  elements: readonly number[],
): number[] {
  const lossAt = (element: number, shift: number) => {
    const data = Float64Array.from(tensors[key].data);
    data[element] += shift;
    const moved = { ...tensors, [key]: { shape: tensors[key].shape, data } };
    return evaluate(graph, feeds, moved, { mode: "training", precision: 64 }).outputs.loss.data[0];
  };
  return elements.map((element) => (lossAt(element, STEP) - lossAt(element, -STEP)) / (2 * STEP));
}

function randomTensors(graph: Graph, random: () => number): { [key: string]: Tensor } {
  return Object.fromEntries(
    Object.entries(graph.tensors).map(([key, { shape }]) => {
      const positive = /running_var|norm\d?\.weight|bn\d?\.weight|scale/.test(key);
      const domain = positive ? { low: 0.4, high: 0.9 } : { low: -0.5, high: 0.5 };
      return [key, drawTensor(shape, domain, random)];
    }),
  );
}

describe("gradients", () => {
  it.each([
    ["bnext", { widths: [4, 8, 16], input: [1, 8, 8], seReduction: 4 }],
    ["reactnet", { widths: [4, 8, 8], input: [1, 8, 8], stemStride: 1 }],
    ["bnext-18", { width: 4, depths: [1, 1, 1, 1], input: [1, 16, 16], seReduction: 2 }],
  ] as const)("of a whole real-valued %s agree with finite differences", (name, options) => {
    const random = randomStream(5);
    const network = buildModel(name, { ...options, classes: 3, batch: 2, form: "real" });
    const graph = trainingGraph(network);
    const tensors = randomTensors(graph, random);
    const feeds = {
      x: drawTensor([2, ...options.input], { low: -1, high: 1 }, random),
      target: tensor([0, 1, 0, 0.2, 0.3, 0.5], [2, 3]),
    };
    const { outputs } = evaluate(graph, feeds, tensors, { mode: "training", precision: 64 });
    const keys = Object.keys(graph.tensors).filter((key) => gradientOutput(key) in outputs);
    expect(keys.length).toBeGreaterThan(15);
    for (const key of keys) {
      const gradient = outputs[gradientOutput(key)].data;
      const elements = [0, gradient.length >> 1];
      const actual = elements.map((i) => gradient[i]);
      const expected = differences(forward(graph), feeds, tensors, key, elements);
      actual.forEach((value, i) => {
        expect(Math.abs(value - expected[i]), key).toBeLessThan(
          1e-6 + 1e-4 * Math.abs(expected[i]),
        );
      });
    }
  });

  it("takes the updated value as the leaf", () => {
    const b = new GraphBuilder("clamped");
    const spec = { shape: [3], kind: "parameter", role: "other" } as const;
    const w = b.tensor("w", { ...spec, init: { kind: "constant", value: 0 } });
    const clamped = b.op("clamp", [w], { low: -1, high: 1, when: "training" });
    b.update("w", clamped);
    b.output(
      "loss",
      b.op("sum", [b.op("mul", [clamped, clamped])], { axes: [0], keepDims: false }),
    );
    const graph = gradients(b.build(), { loss: "loss" });
    const { outputs } = evaluate(graph, {}, { w: tensor([-4, 0.5, 4]) }, { mode: "training" });
    expectClose(outputs["grad:w"].data, [-2, 1, 2], 1e-6, "grad:w");
  });

  it("stops at detach and names a tensor that the loss does not reach", () => {
    const b = new GraphBuilder("detached");
    const spec = { shape: [1], kind: "parameter", role: "other" } as const;
    const init = { kind: "constant", value: 1 } as const;
    const a = b.tensor("a", { ...spec, init });
    const c = b.tensor("c", { ...spec, init });
    const product = b.op("mul", [a, b.op("detach", [c])]);
    b.output("loss", b.op("sum", [product], { axes: [0], keepDims: false }));
    const graph = b.build();
    expect(Object.keys(gradients(graph, { loss: "loss" }).outputs)).toEqual(["loss", "grad:a"]);
    expect(() => gradients(graph, { loss: "loss", wrt: ["c"] })).toThrow(
      /c: the loss "loss" does not/,
    );
  });

  it("refuses a loss that is not a scalar", () => {
    const b = new GraphBuilder("vector");
    b.output("loss", b.input("x", [2]));
    expect(() => gradients(b.build(), { loss: "loss" })).toThrow(/shape \[2\], a scalar is wanted/);
  });
});

it("adds what reads a tensor itself to what reads its updated value", () => {
  const b = new GraphBuilder("penalised");
  const w = b.tensor("w", {
    shape: [2],
    kind: "parameter",
    role: "other",
    init: { kind: "constant", value: 0 },
  });
  const clamped = b.op("clamp", [w], { low: -1, high: 1, when: "training" });
  b.update("w", clamped);
  const network = b.op("sum", [b.op("mul", [clamped, b.op("mul", [clamped, clamped])])]);
  const penalty = b.op("sum", [b.op("mul", [w, w])]);
  b.output("loss", b.op("add", [network, penalty]));
  const graph = gradients(b.build(), { loss: "loss" });
  const data = Float64Array.of(0.5, -0.25);
  const { outputs } = evaluate(
    graph,
    {},
    { w: { shape: [2], data } },
    { precision: 64, mode: "training" },
  );
  // d/dw (w³ + w²)
  expect([...outputs["grad:w"].data]).toEqual([...data].map((x) => 3 * x * x + 2 * x));
});
