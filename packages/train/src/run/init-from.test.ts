import type { Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { expect, it } from "vitest";
import { initialTensors } from "../state/index.js";
import { initialiseFrom } from "./init-from.js";

const widths = { widths: [8, 8, 16], input: [1, 16, 16] } as const;
const build = (name: string, form: "binary" | "step1", classes = 4) =>
  buildModel(name, { ...widths, form, classes });

const start = (graph: ReturnType<typeof build>, given: { [key: string]: Tensor }) =>
  initialiseFrom(graph, initialTensors(graph, 1), given, "FILE");

it("takes everything that was learned and keeps counters and mirrors fresh", () => {
  const graph = build("bnext", "binary");
  const given = initialTensors(graph, 2);
  for (const { data } of Object.values(given)) data[0] += 5;
  const { tensors, reinitialised } = start(graph, given);
  expect(reinitialised).toEqual([]);
  for (const [key, { kind }] of Object.entries(graph.tensors)) {
    const fresh = kind === "counter" || kind === "mirror";
    expect(tensors[key].data).toEqual(fresh ? initialTensors(graph, 1)[key].data : given[key].data);
  }
});

it("goes from ReActNet's step 1 to the flat weights of step 2", () => {
  const given = initialTensors(build("reactnet", "step1"), 2);
  const graph = build("reactnet", "binary");
  const { tensors } = start(graph, given);
  const key = "feature.1.binary_3x3.weights";
  expect(tensors[key].shape).toEqual([8 * 8 * 9, 1]);
  expect(tensors[key].data).toEqual(given["feature.1.binary_3x3.weight"].data);
});

it("goes from BNext with real weights to the binary one, mirrors or not", () => {
  const given = initialTensors(build("bnext", "step1"), 2);
  const key = "feature.2.FFN_1.binary_conv.weight";
  expect(start(build("bnext", "binary"), given).tensors[key].data).toEqual(given[key].data);
  expect(() =>
    start(build("bnext", "step1"), initialTensors(build("bnext", "binary"), 2)),
  ).not.toThrow();
});

it("gives other class counts a new head", () => {
  const given = initialTensors(build("bnext", "binary", 9), 2);
  const graph = build("bnext", "binary");
  const { tensors, reinitialised } = start(graph, given);
  expect(reinitialised).toEqual(["fc.weight", "fc.bias"]);
  expect(tensors["fc.weight"].data).toEqual(initialTensors(graph, 1)["fc.weight"].data);
});

it("refuses what is missing, strange or of another shape", () => {
  const graph = build("bnext", "binary");
  const given = initialTensors(graph, 2);
  const { "feature.1.Attention.scale": _, ...less } = given;
  expect(() => start(graph, less)).toThrow(
    /FILE: lacks feature\.1\.Attention\.scale: give a checkpoint/,
  );
  const more = { ...given, "a.weight": given["fc.bias"], "b.weight": given["fc.bias"] };
  expect(() => start(graph, more)).toThrow(/has not, a\.weight, b\.weight/);
  const other = { ...given, "fc.weight": { shape: [4, 32], data: new Float32Array(128) } };
  expect(() => start(graph, other)).toThrow(/"fc\.weight" is \[4,32\], \[4,16\] is wanted/);
});
