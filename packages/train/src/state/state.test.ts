import type { Graph, TensorSpec } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { adamDefaults } from "../optimisers/index.js";
import { bnextGroups } from "../recipes/shared/groups.js";
import { flatten, initialTensors, layoutOf, unflatten } from "./index.js";

const network = buildModel("bnext", { widths: [8, 8, 16], classes: 4, input: [1, 16, 16] });
const trained = new Set(
  Object.keys(network.tensors).filter((key) => network.tensors[key].kind === "parameter"),
);
const config = { ...adamDefaults, weightDecay: 1e-3, groups: bnextGroups };

describe("layout", () => {
  const layout = layoutOf(network, trained, config);

  it("places every tensor once, without gaps, trained ones first and group by group", () => {
    expect(layout.segments.map(({ key }) => key).sort()).toEqual(
      Object.keys(network.tensors).sort(),
    );
    let at = 0;
    for (const { start, end } of layout.segments) {
      expect(start).toBe(at);
      at = end;
    }
    expect(layout.length).toBe(at);
    const [filters, rest] = layout.groups;
    expect(layout.groups).toHaveLength(2);
    expect([filters.start, filters.end, rest.end]).toEqual([0, rest.start, layout.trained]);
    expect([filters.weightDecay, rest.weightDecay]).toEqual([1e-8, 1e-3]);
    for (const { key, shape, start, end } of layout.segments) {
      expect(end <= layout.trained).toBe(trained.has(key));
      if (!trained.has(key)) continue;
      const filter = shape.length === 4 || key.includes("binary_conv");
      expect(start < filters.end).toBe(filter);
    }
  });

  it("flattens and unflattens", () => {
    const tensors = initialTensors(network, 7);
    const flat = flatten(layout, tensors);
    const back = unflatten(layout, flat);
    for (const key of Object.keys(network.tensors)) expect(back[key]).toEqual(tensors[key]);
    const { "fc.bias": bias, ...others } = tensors;
    expect(() => flatten(layout, others)).toThrow(/fc\.bias: no value given, shape \[4\]/);
    const wrong = { ...tensors, "fc.bias": { ...bias, data: new Float32Array(3) } };
    expect(() => flatten(layout, wrong)).toThrow(/fc\.bias: shape \[4\] wanted/);
  });
});

describe("initial values", () => {
  const graph = (tensors: { [key: string]: Partial<TensorSpec> }): Graph =>
    ({ ...network, tensors }) as unknown as Graph;
  const n = 20_000;

  it("have the distribution that was asked for", () => {
    const { a, b, c, d } = initialTensors(
      graph({
        a: { shape: [n], init: { kind: "normal", std: 1e-3 } },
        b: { shape: [n], init: { kind: "uniform-fan-in", fanIn: 100 } },
        c: { shape: [2, 3], init: { kind: "constant", value: 0.25 } },
        d: { shape: [n], init: { kind: "uniform", low: 0, high: 2 } },
      }),
      1,
    );
    const moments = (data: ArrayLike<number>) => {
      const mean = Array.from(data).reduce((sum, x) => sum + x, 0) / n;
      const variance = Array.from(data).reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
      return [mean, Math.sqrt(variance)];
    };
    const [mean, deviation] = moments(a.data);
    expect(Math.abs(mean)).toBeLessThan(3e-5);
    expect(deviation / 1e-3).toBeCloseTo(1, 1);
    expect(Math.max(...b.data)).toBeLessThanOrEqual(Math.fround(0.1));
    expect(Math.min(...b.data)).toBeLessThan(-0.099);
    expect(moments(b.data)[1]).toBeCloseTo(0.1 / Math.sqrt(3), 3);
    expect([...c.data]).toEqual(Array(6).fill(0.25));
    expect(moments(d.data)[0]).toBeCloseTo(1, 1);
  });

  it("depend on seed and key, not on the order or on what else there is", () => {
    const spec: Partial<TensorSpec> = { shape: [50], init: { kind: "normal", std: 1 } };
    const first = initialTensors(graph({ a: spec, b: spec }), 1);
    const second = initialTensors(graph({ c: spec, b: spec, a: spec }), 1);
    expect(second.a).toEqual(first.a);
    expect(second.b).toEqual(first.b);
    expect(first.a).not.toEqual(first.b);
    expect(initialTensors(graph({ a: spec }), 2).a).not.toEqual(first.a);
  });
});
