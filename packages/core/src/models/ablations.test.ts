import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import { type Graph, type Shape, sizeOf, type Tensor } from "../graph/types.js";
import { elmUnit, plainUnit } from "./bnext.js";
import type { UnitSettings } from "./bnext-unit.js";
import { buildModel } from "./build-model.js";
import type { Form, Gate, ModelOptions } from "./options.js";
import { reactnetBlock } from "./reactnet.js";
import type { ReactSettings } from "./reactnet-conv.js";

type Unit = typeof elmUnit;

function unitGraph(unit: Unit, gate: Gate, form: Form = "binary"): Graph {
  const settings: UnitSettings = { form, gate, seReduction: 2, threshold: 1e-7 };
  const b = new GraphBuilder("unit");
  b.output("y", unit(b, "u", b.input("x", [2, 4, 6, 6]), 2, settings));
  return b.build();
}

const wave = (shape: Shape, phase: number): Tensor => ({
  shape,
  data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(1.7 * i + phase)),
});

/** Evaluates with waves in every tensor; `changed` tensors get others. */
function run(graph: Graph, changed: readonly string[] = []) {
  const tensors = Object.fromEntries(
    Object.entries(graph.tensors).map(([key, { shape }], i) => {
      const { data } = wave(shape, i + (changed.includes(key) ? 0.5 : 0));
      return [key, { shape, data: key.endsWith("var") ? data.map((v) => 1.5 + v) : data }];
    }),
  );
  const { values } = evaluate(graph, { x: wave([2, 4, 6, 6], 0.3), temperature: 0 }, tensors, {
    precision: 64,
  });
  return { value: (name: string) => [...values.get(name)!.data], tensors };
}

const add = (a: number[], b: number[]) => a.map((value, i) => value + b[i]);

it("gate none, plain: out = PReLU(BN1(conv)) + shortcut", () => {
  const { value } = run(unitGraph(plainUnit, "none"));
  expect(value("u")).toEqual(add(value("u.activation2"), value("u.pooling")));
});

it("gate none, ELM: out = BN2(PReLU(BN1(conv)) * r) + r", () => {
  const { value, tensors } = run(unitGraph(elmUnit, "none"));
  const [y, r] = [value("u.activation2"), value("u.shortcut")];
  const at = (entry: string, c: number) => tensors[`u.norm2.${entry}`].data[c];
  const want = y.map((v, i) => {
    const c = Math.floor(i / 9) % 4;
    const centred = v * r[i] - at("running_mean", c);
    const deviation = Math.sqrt(at("running_var", c) + 1e-5);
    return (centred / deviation) * at("weight", c) + at("bias", c) + r[i];
  });
  value("u").forEach((v, i) => {
    expect(v).toBeCloseTo(want[i], 10);
  });
});

it("gate input depends on the unit's input alone, gate mix on its output too", () => {
  const gate = (kind: Gate) => {
    const graph = unitGraph(plainUnit, kind);
    return [run(graph), run(graph, ["u.activation2.weight"])].map(({ value }) =>
      value("u.se.se.4"),
    );
  };
  const [before, after] = gate("input");
  expect(after).toEqual(before);
  const [mixed, other] = gate("mix");
  expect(other).not.toEqual(mixed);
});

it("step 1 convolves signs with the weights themselves, the real twin the shifted input", () => {
  const step1 = run(unitGraph(plainUnit, "mix", "step1"));
  expect(new Set(step1.value("u.binary_activation"))).toEqual(new Set([-1, 1]));
  const real = unitGraph(plainUnit, "mix", "real");
  const conv = real.nodes.find(({ name }) => name === "u.binary_conv")!;
  expect(conv).toMatchObject({ op: "conv", inputs: ["u.move", "u.binary_conv.weight"] });
});

describe("a ReActNet without", () => {
  const unit = (settings: Omit<ReactSettings, "form">) => {
    const b = new GraphBuilder("unit");
    const x = b.input("x", [2, 4, 6, 6]);
    b.output("y", reactnetBlock(b, "u", x, 4, 1, { form: "binary", ...settings }));
    return b.build();
  };

  it("an activation: a block ends with the sum itself", () => {
    const { value } = run(unit({ activation: "none" }));
    expect(value("u")).toEqual(add(value("u.bn2"), value("u.add1")));
    expect(value("u.add1")).toEqual(add(value("u.bn1"), [...wave([2, 4, 6, 6], 0.3).data]));
  });

  it("shifts: a block ends with a PReLU", () => {
    const graph = unit({ activation: "prelu" });
    const { value, tensors } = run(graph);
    const slopes = tensors["u.prelu2.weight"].data;
    const want = value("u.add2").map((v, i) => (v > 0 ? v : v * slopes[Math.floor(i / 36) % 4]));
    expect(value("u")).toEqual(want);
    expect(Object.keys(graph.tensors).filter((key) => /move[12][23]/.test(key))).toEqual([]);
  });

  it("thresholds: signs are of the input itself", () => {
    const graph = unit({ rsign: false });
    const signs = graph.nodes.filter(({ op }) => op === "sign").map(({ inputs }) => inputs[0]);
    expect(signs).toEqual(["x", "u.move13"]);
  });

  it.each(["reactnet-nano", "reactnet-18"])("%s: has so many tensors fewer", (name) => {
    const size: Partial<ModelOptions> = {
      ...{ classes: 10, input: [3, 32, 32] },
      ...(name === "reactnet-18" && { width: 8 }),
    };
    const built = (switches: Partial<ModelOptions>) => buildModel(name, { ...size, ...switches });
    const count = (graph: Graph) => Object.keys(graph.tensors).length;
    const [whole, prelu, none] = (["rprelu", "prelu", "none"] as const).map((activation) =>
      count(built({ activation })),
    );
    expect(built({ activation: "rprelu", rsign: true })).toEqual(built({}));
    // A PReLU between two shifts, a threshold before every sign.
    const activations = name === "reactnet-18" ? 16 : 8;
    expect([whole - prelu, prelu - none]).toEqual([2 * activations, activations]);
    const bare = built({ activation: "none", rsign: false });
    expect(none - count(bare)).toBe(activations);
  });
});

it.each([
  ["reactnet-nano", "approx", "clip", 1],
  ["reactnet-18", "approx", "clip", 1],
  ["bnext-nano", "clip", "identity", 1.5],
  ["bnext-18", "clip", "identity", 1.5],
])(
  "%s: estimators of activations and weights are its own, or the chosen ones",
  (name, own, ownOfWeights, range) => {
    const used = (options: Partial<ModelOptions>) => {
      const { nodes } = buildModel(name, options);
      const attrs = (op: string) =>
        nodes.filter((node) => node.op === op).map(({ attrs }) => attrs);
      const of = (op: string) => [...new Set(attrs(op).map(({ estimator }) => estimator))];
      return {
        signs: of("sign"),
        weights: of("binarize-weight"),
        window: attrs("binarize-weight")[0].range,
      };
    };
    expect(used({})).toEqual({ signs: [own], weights: [ownOfWeights], window: range });
    const chosen = { estimator: "swish", weightEstimator: "magnitude" } as const;
    expect(used(chosen)).toEqual({ signs: ["swish"], weights: ["magnitude"], window: range });
    expect(() => buildModel(name, { weightEstimator: "approx" as never })).toThrow(
      `${name}: weightEstimator is "approx", must be identity or clip or magnitude`,
    );
  },
);
