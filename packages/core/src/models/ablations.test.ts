import { expect, it } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import { type Graph, type Shape, sizeOf, type Tensor } from "../graph/types.js";
import { elmUnit, plainUnit } from "./bnext.js";
import type { UnitSettings } from "./bnext-unit.js";
import type { Form, Gate } from "./options.js";

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
