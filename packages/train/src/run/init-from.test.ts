import type { Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { initialTensors } from "../state/index.js";
import { initialiseFrom } from "./init-from.js";

const widths = { widths: [8, 8, 16], input: [1, 16, 16] } as const;
const build = (name: string, form: "binary" | "step1", classes = 4) =>
  buildModel(name, { ...widths, form, classes });

interface Names {
  readonly labels?: readonly string[];
  readonly classes?: readonly string[];
}

const start = (
  graph: ReturnType<typeof build>,
  tensors: { [key: string]: Tensor },
  { labels, classes = ["0", "1", "2", "3"] }: Names = {},
) => initialiseFrom(graph, initialTensors(graph, 1), { tensors, labels, source: "FILE" }, classes);

it("takes everything that was learned and keeps counters and mirrors fresh", () => {
  const graph = build("bnext", "binary");
  const given = initialTensors(graph, 2);
  for (const { data } of Object.values(given)) data[0] += 5;
  const { tensors, notes } = start(graph, given);
  expect(notes).toEqual([]);
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
  const { tensors, notes } = start(graph, given);
  expect(notes).toEqual(["fc.weight, fc.bias start fresh: the class count differs"]);
  expect(tensors["fc.weight"].data).toEqual(initialTensors(graph, 1)["fc.weight"].data);
});

describe("rows of the classifier go by the names of the classes", () => {
  const graph = build("bnext", "binary");
  const classes = ["ant", "bee", "cow", "dog"];
  const fresh = initialTensors(graph, 1);

  /** For each class the row of the given weights that it got; "new" for a fresh one. */
  function rowsTaken(labels: readonly string[] | undefined, names = classes) {
    const given = initialTensors(build("bnext", "binary", labels?.length ?? 4), 2);
    const { tensors, notes } = start(graph, given, { labels, classes: names });
    const of = (key: string, from: Tensor, k: number) => {
      const width = from.data.length / from.shape[0];
      return tensors[key].data.slice(k * width, (k + 1) * width).join();
    };
    const rowOf = (key: string, k: number) => {
      const { data, shape } = given[key];
      const width = data.length / shape[0];
      const row = of(key, given[key], k);
      for (let r = 0; r < shape[0]; r++) {
        if (data.slice(r * width, (r + 1) * width).join() === row) return r;
      }
      const own = fresh[key].data.slice(k * width, (k + 1) * width).join();
      return own === row ? "new" : "wrong";
    };
    const rows = names.map((_, k) => rowOf("fc.weight", k));
    expect(names.map((_, k) => rowOf("fc.bias", k))).toEqual(rows);
    return { rows, notes: notes.join("; ") };
  }

  it.each<[string, string[] | undefined, (number | string)[], RegExp]>([
    ["the same names", ["ant", "bee", "cow", "dog"], [0, 1, 2, 3], /^$/],
    ["another order", ["dog", "cow", "ant", "bee"], [2, 3, 1, 0], /4 rows taken by class name$/],
    ["fewer", ["dog", "bee"], ["new", 1, "new", 0], /2 rows .*new ones for "ant", "cow"$/],
    ["more", ["x", "ant", "bee", "y", "cow", "dog"], [1, 2, 4, 5], /4 rows .*none for "x", "y"$/],
    ["one new of as many", ["ant", "bee", "cow", "cat"], [0, 1, 2, "new"], /"dog", none for "cat"/],
    ["others", ["w", "x", "y", "z"], ["new", "new", "new", "new"], /start fresh: no class has/],
    ["none", undefined, [0, 1, 2, 3], /given weights name no classes.*by position, for "ant"/],
    ["only numbers", ["0", "1", "2", "3"], [0, 1, 2, 3], /given weights name no classes/],
  ])("given %s", (_, labels, rows, note) => {
    const taken = rowsTaken(labels);
    expect(taken.rows).toEqual(rows);
    expect(taken.notes).toMatch(note);
  });

  it("and by position, with a note, where the data have none", () => {
    const { rows, notes } = rowsTaken(["a", "b", "c", "d"], ["0", "1", "2", "3"]);
    expect(rows).toEqual([0, 1, 2, 3]);
    expect(notes).toMatch(/the data name no classes: .*by position, for "a", "b"/);
  });
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
