import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import type { FloatArray, Mode, Tensor } from "../graph/types.js";
import { readNpz } from "../test-support/npy.js";
import { shared } from "../test-support/shared.js";
import { bnextBlock, elmUnit, plainUnit, pointwiseUnit } from "./bnext.js";
import type { UnitSettings } from "./bnext-unit.js";
import { elmUnit18, plainUnit18 } from "./bnext18.js";
import { reactnetBlock } from "./reactnet.js";
import { reactnetUnit } from "./reactnet-resnet.js";

type Build = (b: GraphBuilder, x: string) => string;

const mobile: UnitSettings = { form: "binary", gate: "mix", seReduction: 8, threshold: 1e-7 };
const resnet: UnitSettings = { ...mobile, threshold: 1e-5 };
const widening = { widens: true, stride: 2, attention: true, unit3x3: "Attention" };

/** One unit in training and in inference, by the official code; T is the weights' temperature. */
const units: { [file: string]: Build } = {
  "bnext_attention_s1_T0.3": (b, x) => elmUnit(b, "u", x, 1, mobile),
  bnext_attention_s1_Ttiny: (b, x) => elmUnit(b, "u", x, 1, mobile),
  "bnext_attention_s2_T0.3": (b, x) => elmUnit(b, "u", x, 2, mobile),
  bnext_attention_s2_Ttiny: (b, x) => elmUnit(b, "u", x, 2, mobile),
  "bnext_ffn3x3_s1_T0.3": (b, x) => plainUnit(b, "u", x, 1, mobile),
  bnext_ffn3x3_s1_Ttiny: (b, x) => plainUnit(b, "u", x, 1, mobile),
  "bnext_ffn3x3_s2_T0.3": (b, x) => plainUnit(b, "u", x, 2, mobile),
  bnext_ffn3x3_s2_Ttiny: (b, x) => plainUnit(b, "u", x, 2, mobile),
  "bnext_ffn1x1_T0.3": (b, x) => pointwiseUnit(b, "u", x, mobile),
  bnext_ffn1x1_Ttiny: (b, x) => pointwiseUnit(b, "u", x, mobile),
  bnext_basicblock_expand_s2: (b, x) => bnextBlock(b, "u", x, widening, mobile),
  bnext18_attention_s2: (b, x) => elmUnit18(b, "u", x, { out: 24, stride: 2 }, resnet),
  bnext18_ffn3x3: (b, x) => plainUnit18(b, "u", x, resnet, "u"),
  reactnet_a_same: (b, x) => reactnetBlock(b, "u", x, 16, 1, { form: "binary" }),
  reactnet_a_expand_s1: (b, x) => reactnetBlock(b, "u", x, 32, 1, { form: "binary" }),
  reactnet_a_down: (b, x) => reactnetBlock(b, "u", x, 32, 2, { form: "binary" }),
  reactnet_18_same: (b, x) => reactnetUnit(b, "u", x, { out: 16, stride: 1 }, { form: "binary" }),
  reactnet_18_down: (b, x) => reactnetUnit(b, "u", x, { out: 24, stride: 2 }, { form: "binary" }),
};

const largest = (data: FloatArray) =>
  Array.from(data).reduce((max, value) => Math.max(max, Math.abs(value)), 0);

function expectNear(actual: FloatArray, wanted: FloatArray, label: string): void {
  expect(actual.length, label).toBe(wanted.length);
  const off = Array.from(actual).reduce(
    (max, value, i) => Math.max(max, Math.abs(value - wanted[i])),
    0,
  );
  expect(off, label).toBeLessThan(1e-5 * largest(wanted) + 1e-6);
}

/** Entries "<kind>:<key>" of the file as tensors "u.<key>". */
function entries(file: { [name: string]: Tensor }, kinds: string[]): { [key: string]: Tensor } {
  const found = Object.entries(file).filter(([name]) => kinds.includes(name.split(":")[0]));
  return Object.fromEntries(found.map(([name, t]) => [`u.${name.split(":")[1]}`, t]));
}

describe.each(Object.keys(units))("%s", (name) => {
  const path = shared(`goldens/ops/block_${name}.npz`);
  if (!path) return it("skipped: no goldens", () => {});
  const file = readNpz(path);
  const before = entries(file, ["param", "buffer"]);
  const b = new GraphBuilder(name);
  const y = units[name](b, b.input("x", file.x.shape));
  b.output("y", y);
  const graph = b.build();
  const mirror = Object.entries(graph.tensors).find(([, { kind }]) => kind === "mirror");
  const temperature = mirror ? before[mirror[0]].data[0] : 0;
  const run = (mode: Mode) => evaluate(graph, { x: file.x, temperature }, before, { mode });

  it("has the official entries", () => {
    const shapes = (of: { [key: string]: { shape: readonly number[] } }) =>
      Object.entries(of).map(([key, { shape }]) => `${key} [${shape}]`);
    expect(shapes(graph.tensors).sort()).toEqual(shapes(before).sort());
  });

  it("computes the official output in inference and in training", () => {
    expectNear(run("inference").outputs.y.data, file.y_eval.data, "y_eval");
    expectNear(run("training").outputs.y.data, file.y_train.data, "y_train");
  });

  it("writes back what the official forward pass changes", () => {
    const { updates } = run("training");
    const after = entries(file, ["param_after", "buffer_after"]);
    for (const [key, { data }] of Object.entries(after)) {
      if (graph.tensors[key].kind !== "counter") expectNear(updates[key].data, data, key);
    }
    for (const [key, { data }] of Object.entries(updates)) {
      if (!after[key]) expectNear(data, before[key].data, key);
    }
  });
});
