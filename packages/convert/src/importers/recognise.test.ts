import fc from "fast-check";
import type { Graph } from "onebit/graph";
import { buildModel, type Form, type ModelOptions } from "onebit/models";
import { describe, expect, it } from "vitest";
import { families, familyOf, type Shapes } from "./families.js";
import { recognise } from "./recognise.js";

const shapesOf = ({ tensors }: Graph): Shapes =>
  new Map(Object.entries(tensors).map(([key, { shape }]) => [key, shape]));

const keysOf = (name: string, options?: Partial<ModelOptions>) =>
  shapesOf(buildModel(name, options));

it.each(["bnext-t", "bnext-s", "bnext-m", "bnext-l", "reactnet-a"])(
  "%s is told by its widths",
  (name) => {
    expect(recognise(keysOf(name))).toMatchObject({ arch: name, switches: {} });
    expect(recognise(keysOf(name, { classes: 7 }))).toMatchObject({ arch: name, switches: {} });
  },
);

it.each(["bnext-18", "reactnet-18", "reactnet-34"])("%s is told by its depths", (name) => {
  const imagenet = { arch: name, switches: { stem: "imagenet" } };
  expect(recognise(keysOf(name))).toMatchObject(imagenet);
  const small = recognise(keysOf(name, { stem: "small", width: 16 }));
  expect(small).toMatchObject({ arch: name, switches: { stem: "small", width: 16 } });
});

const widths = fc
  .tuple(fc.integer({ min: 1, max: 24 }), fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }))
  .map(([stem, doubles]) => {
    const list = [stem];
    for (const double of doubles) list.push(list.at(-1)! * (double ? 2 : 1));
    return list;
  });
const base = fc.record({
  classes: fc.integer({ min: 2, max: 300 }),
  input: fc.constantFrom([1, 128, 128], [3, 128, 128]) as fc.Arbitrary<[number, number, number]>,
});
const form: fc.Arbitrary<Form> = fc.constantFrom("binary", "step1", "real");
const gate = fc.constantFrom("mix", "input", "none");
const bnextExtras = { form, gate, seReduction: fc.constantFrom(1, 2, 4, 8, 16) } as const;
const resnetExtras = {
  width: fc.integer({ min: 1, max: 70 }),
  depths: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 4, maxLength: 4 }),
  stem: fc.constantFrom("imagenet", "small"),
} as const;

const networks: { [name: string]: fc.Arbitrary<Partial<ModelOptions>> } = {
  bnext: fc.record({ widths, elm: fc.boolean(), ...bnextExtras }),
  "bnext-18": fc.record({ ...resnetExtras, ...bnextExtras }),
  reactnet: fc.record({
    widths,
    form: fc.constantFrom("binary", "step1"),
  }),
  "reactnet-18": fc.record(resnetExtras),
};

describe.each(Object.keys(networks))("any %s", (name) => {
  it("is built again from its keys and shapes", () => {
    const property = fc.property(networks[name], base, (options, shape) => {
      const graph = buildModel(name, { ...options, ...shape });
      const shapes = shapesOf(graph);
      const { family, arch, switches } = recognise(shapes);
      const told = families[family].form(shapes) ?? options.form;
      const again = buildModel(arch, { ...shape, ...switches, form: told });
      expect(again).toEqual({ ...graph, name: arch });
    });
    fc.assert(property, { numRuns: 60 });
  });
});

describe("a named architecture", () => {
  it("is taken at its word, the rest from the file", () => {
    const shapes = keysOf("bnext", { widths: [8, 8], elm: false });
    expect(recognise(shapes, "bnext")).toMatchObject({ switches: { widths: [8, 8], elm: false } });
    expect(recognise(shapes, "bnext-t")).toMatchObject({
      arch: "bnext-t",
      switches: { elm: false },
    });
  });

  it("must exist and have checkpoints", () => {
    const shapes = keysOf("bnext-t");
    expect(() => recognise(shapes, "bnext-x")).toThrow(/unknown model "bnext-x": did you mean/);
    expect(() => recognise(shapes, "linear")).toThrow(/linear: there are no checkpoints/);
  });
});

describe("what is no known network", () => {
  it("is refused with its first names", () => {
    const shapes: Shapes = new Map([
      ["encoder.weight", [1]],
      ["encoder.bias", [1]],
    ]);
    expect(familyOf([...shapes.keys()])).toBeUndefined();
    expect(() => recognise(shapes)).toThrow(
      /not recognised: its 2 tensors are called encoder\.weight, encoder\.bias\. The official/,
    );
  });

  it.each([
    ["feature.0.conv1.weight", [], /feature\.0\.conv1\.weight.*does not say how wide the stem is/],
    ["feature.0.conv1.weight", [0, 3, 3, 3], /does not say how wide/],
    ["feature.0.conv1.weight", undefined, /feature\.0\.conv1\.weight is missing.*whole network/],
  ])("%s of shape %j", (key, shape, message) => {
    const shapes = new Map(keysOf("bnext-t"));
    if (shape) shapes.set(key, shape);
    else shapes.delete(key);
    expect(() => recognise(shapes)).toThrow(message);
  });

  it("blocks with a gap between their numbers, or without end", () => {
    const gap = new Map(keysOf("bnext-t"));
    for (const key of gap.keys()) if (key.startsWith("feature.4.")) gap.delete(key);
    expect(() => recognise(gap)).toThrow(/blocks are numbered 0, 1, 2, 3, 5.*number 4 is missing/);
    const huge = new Map([["feature.1000000000000.FFN.scale", [1]], ...keysOf("bnext-t")]);
    expect(() => recognise(huge)).toThrow(/number 14 is missing/);
    const many = new Map(keysOf("bnext-t"));
    for (let i = 0; i < 2000; i++) many.set(`feature.${i}.FFN.scale`, [1]);
    expect(() => recognise(many)).toThrow(/2000 blocks: no network/);
  });
});
