import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { initialTensors } from "../state/index.js";
import { filterNormalised, movedBy } from "./directions.js";

const small = { widths: [8, 8, 16], classes: 3, input: [1, 8, 8] } as const;

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

describe.each([
  ["bnext", 8],
  // Flat binary weights, [O * I * K * K, 1].
  ["reactnet", 8],
])("of %s", (name, filters) => {
  const graph = buildModel(name, small);
  const tensors = initialTensors(graph, 1);
  const direction = filterNormalised(graph, tensors, 0, "a");

  it("moves filters by their own length", () => {
    const [key] = Object.keys(direction).filter((key) => graph.tensors[key].role === "binary");
    const length = tensors[key].data.length / filters;
    for (let f = 0; f < filters; f++) {
      const [from, to] = [f * length, (f + 1) * length];
      const [w, d] = [tensors[key], direction[key]].map(({ data }) => data.subarray(from, to));
      expect(norm(d)).toBeCloseTo(norm(w), 6);
      expect(d).not.toEqual(w);
    }
  });

  it("moves stem, gates and classifier too, but no vectors, biases, scales or statistics", () => {
    const roles = new Set(Object.keys(direction).map((key) => graph.tensors[key].role));
    expect(roles).toContain("stem");
    expect(roles).toContain("classifier");
    expect(roles.has("gate")).toBe(name === "bnext");
    expect(
      Object.keys(direction).filter((key) => /bias|scale|prelu|bn|norm|move/.test(key)),
    ).toEqual([]);
  });

  it("is the same for a seed and axis, and nothing else", () => {
    expect(filterNormalised(graph, tensors, 0, "a")).toEqual(direction);
    expect(filterNormalised(graph, tensors, 1, "a")).not.toEqual(direction);
    expect(filterNormalised(graph, tensors, 0, "b")).not.toEqual(direction);
  });

  it("is a sum", () => {
    const other = filterNormalised(graph, tensors, 0, "b");
    const moved = movedBy(tensors, [direction, other], [0.5, -2]);
    expect(Object.keys(moved)).toEqual(Object.keys(tensors));
    const { data } = moved["fc.weight"];
    const sum = tensors["fc.weight"].data[4] + 0.5 * direction["fc.weight"].data[4];
    expect(data[4]).toBeCloseTo(sum - 2 * other["fc.weight"].data[4], 6);
    expect(movedBy(tensors, [direction, other], [0, 0])).toEqual(tensors);
  });
});
