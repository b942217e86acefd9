import fc from "fast-check";
import { type Graph, sizeOf } from "onebit/graph";
import { buildModel, type Form, formsOf, type ModelOptions } from "onebit/models";
import { describe, expect, it } from "vitest";
import type { TensorEntry } from "../../readers/tensor-entry.js";
import { importerOf } from "../architectures.js";
import type { NetworkOptions } from "../importer.js";
import { importers } from "../importers.js";
import type { Shapes } from "./shapes.js";

const shapesOf = ({ tensors }: Graph): Shapes =>
  new Map(Object.entries(tensors).map(([key, { shape }]) => [key, shape]));

const keysOf = (name: string, options?: Partial<ModelOptions>) =>
  shapesOf(buildModel(name, options));

/** A tensor of which only the shape counts. */
function zeros(key: string, shape: readonly number[]): TensorEntry {
  const floats = async () => new Float32Array(sizeOf(shape));
  const rest = { bytes: () => Promise.reject(), read: floats, floats };
  return { key, path: [key], shape, dtype: "float32", elements: sizeOf(shape), ...rest };
}

/** What the importer that recognises these keys, or the one of `told.arch`, says of the network. */
async function recognise(shapes: Shapes, told: NetworkOptions = {}) {
  const tensors = new Map([...shapes].map(([key, shape]) => [key, zeros(key, shape)]));
  const stored = { format: "safetensors", tensors, metadata: new Map() } as const;
  const importer = told.arch
    ? importerOf(told.arch, importers)
    : importers.find((one) => one.recognises(stored))!;
  const options = { input: [3, 128, 128], ...told } as const;
  const { architecture, switches } = await importer.network(stored, options);
  if (!("name" in architecture)) throw new Error("not in the catalogue");
  return { arch: architecture.name, options: architecture.options, switches };
}

it.each(["bnext-t", "bnext-s", "bnext-m", "bnext-l", "reactnet-a"])(
  "%s is told by its widths",
  async (name) => {
    const plain = { arch: name, switches: {} };
    expect(await recognise(keysOf(name))).toMatchObject(plain);
    expect(await recognise(keysOf(name, { classes: 7 }))).toMatchObject(plain);
  },
);

it.each(["bnext-18", "reactnet-18", "reactnet-34"])("%s is told by its depths", async (name) => {
  const form = untold(name, "binary");
  const imagenet = { arch: name, switches: { stem: "imagenet" } };
  expect(await recognise(keysOf(name), { form })).toMatchObject(imagenet);
  const small = keysOf(name, { stem: "small", width: 16 });
  expect(await recognise(small, { form })).toMatchObject({
    arch: name,
    switches: { stem: "small", width: 16 },
  });
});

it.each([
  ["resnet-18", { stem: "imagenet" }],
  ["resnet-34", { stem: "imagenet" }],
  ["resnet-50", { stem: "imagenet" }],
  ["resnet-152", { stem: "imagenet" }],
  ["resnet-20", {}],
  ["resnet-56", {}],
  ["resnet-110", {}],
  ["mobilenet-v1", {}],
])("%s, a float network, is told by its keys", async (name, switches) => {
  expect(await recognise(keysOf(name))).toMatchObject({ arch: name, switches });
});

/** The form, where keys do not tell it. */
function untold(name: string, form: Form = "binary"): Form | undefined {
  if (formsOf(name).join() === "real") return undefined;
  const isTold = name.startsWith("bnext") || (name === "reactnet" && form === "binary");
  return isTold ? undefined : form;
}

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
  "resnet-18": fc.record({ ...resnetExtras, bottleneck: fc.boolean() }),
  "resnet-20": fc.record({
    width: fc.integer({ min: 1, max: 40 }),
    depths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 3 }),
    shortcut: fc.constantFrom("zeros", "conv"),
  }),
  "mobilenet-v1": fc.record({ widths }),
};

describe.each(Object.keys(networks))("any %s", (name) => {
  it("is built again from its keys and shapes", async () => {
    const property = fc.asyncProperty(networks[name], base, async (options, shape) => {
      const graph = buildModel(name, { ...options, ...shape });
      const form = untold(name, options.form);
      const found = await recognise(shapesOf(graph), { form, input: shape.input });
      expect(buildModel(found.arch, found.options)).toEqual({ ...graph, name: found.arch });
    });
    await fc.assert(property, { numRuns: 60 });
  });
});

describe("a named architecture", () => {
  it("is taken at its word, the rest from the file", async () => {
    const shapes = keysOf("bnext", { widths: [8, 8], elm: false });
    const own = await recognise(shapes, { arch: "bnext" });
    expect(own).toMatchObject({ switches: { widths: [8, 8], elm: false } });
    const tiny = await recognise(shapes, { arch: "bnext-t" });
    expect(tiny).toMatchObject({ arch: "bnext-t", switches: { elm: false } });
  });

  it("must exist and have checkpoints", () => {
    const of = (arch: string) => () => importerOf(arch, importers);
    expect(of("bnext-x")).toThrow(/unknown model "bnext-x": did you mean/);
    expect(of("linear")).toThrow(/linear: there are no checkpoints of it .* there are of bnext-t/);
  });
});

describe("what is no known network", () => {
  it.each([
    ["feature.0.conv1.weight", [], /feature\.0\.conv1\.weight.*does not say how wide the stem is/],
    ["feature.0.conv1.weight", [0, 3, 3, 3], /does not say how wide/],
    ["feature.0.conv1.weight", undefined, /feature\.0\.conv1\.weight is missing.*whole network/],
  ])("%s of shape %j", async (key, shape, message) => {
    const shapes = new Map(keysOf("bnext-t"));
    if (shape) shapes.set(key, shape);
    else shapes.delete(key);
    await expect(recognise(shapes)).rejects.toThrow(message);
  });

  it("blocks with a gap between their numbers, or without end", async () => {
    const gap = new Map(keysOf("bnext-t"));
    for (const key of gap.keys()) if (key.startsWith("feature.4.")) gap.delete(key);
    await expect(recognise(gap)).rejects.toThrow(
      /blocks are numbered 0, 1, 2, 3, 5.*number 4 is missing/,
    );
    const huge = new Map([["feature.1000000000000.FFN.scale", [1]], ...keysOf("bnext-t")]);
    await expect(recognise(huge)).rejects.toThrow(/number 14 is missing/);
    const many = new Map(keysOf("bnext-t"));
    for (let i = 0; i < 2000; i++) many.set(`feature.${i}.FFN.scale`, [1]);
    await expect(recognise(many)).rejects.toThrow(/2000 blocks: no network/);
  });
});
