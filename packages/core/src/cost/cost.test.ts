import { describe, expect, it } from "vitest";
import { GraphBuilder, rebatch } from "../graph/index.js";
import { buildModel } from "../models/index.js";
import { cost } from "./cost.js";
import { summarize } from "./summary.js";

const mebi = 2 ** 20;

/** Published figures and counts of the official classes (published-systems.md, sections 3 and 4). */
const published = [
  {
    name: "bnext-t",
    parameters: 30_862_236,
    binary: 28_253_184,
    binaryGmacs: 4.82,
    ops: 0.89,
    ends: 0.077,
    mib: 13.29,
    endsMib: 5.36,
  },
  {
    name: "bnext-s",
    parameters: 68_594_614,
    binary: 63_569_664,
    binaryGmacs: 10.84,
    ops: 1.9,
    ends: 0.172,
    mib: 26.7,
    endsMib: 11.1,
  },
  {
    name: "bnext-m",
    parameters: 134_501_974,
    binary: 126_238_464,
    binaryGmacs: 20.09,
    ops: 3.38,
    ends: 0.316,
    mib: 46.49,
    endsMib: 20.39,
  },
  {
    name: "bnext-l",
    parameters: 326_546_640,
    binary: 308_310_016,
    binaryGmacs: 52.15,
    ops: 8.54,
    ends: 0.819,
    mib: 106.16,
    endsMib: 47.71,
  },
];

describe.each(published)("$name", (figures) => {
  const graph = buildModel(figures.name);
  const total = cost(graph);
  const quantised = cost(graph, { ends: "8-4-8" });

  it("has the published counts", () => {
    expect(total.parameters).toBe(figures.parameters);
    expect(total.binaryParameters).toBe(figures.binary);
    expect(total.binaryMacs / 1e9).toBeCloseTo(figures.binaryGmacs, 2);
    expect(total.ops / 1e8).toBeCloseTo(figures.ops, 2);
    expect(quantised.ops / 1e9).toBeCloseTo(figures.ends, 3);
  });

  it("has the published sizes", () => {
    expect(total.bytes.packed / mebi).toBeCloseTo(figures.mib, 2);
    expect(quantised.bytes.packed / mebi).toBeCloseTo(figures.endsMib, 2);
    expect(total.bytes.float32).toBe(4 * figures.parameters);
  });

  it("has layers and blocks that add up to the totals", () => {
    const { layers, blocks, deadParameters } = summarize(graph);
    for (const rows of [layers, blocks]) {
      const sum = (count: "parameters" | "macs" | "binaryMacs" | "ops" | "bytesMoved") =>
        rows.reduce((s, row) => s + row[count], 0);
      expect(sum("parameters") + deadParameters).toBe(total.parameters);
      expect(sum("macs")).toBe(total.macs);
      expect(sum("binaryMacs")).toBe(total.binaryMacs);
      expect(sum("ops")).toBeCloseTo(total.ops, 3);
      expect(sum("bytesMoved")).toBe(total.bytesMoved);
    }
  });
});

it("reproduces BNext's exact 8-4-8 operations: 76.84, 171.78, 316.48, 818.80 million", () => {
  const ops = published.map(({ name }) => cost(buildModel(name), { ends: "8-4-8" }).ops / 1e6);
  expect(ops.map((value) => value.toFixed(2))).toEqual(["76.84", "171.78", "316.48", "818.80"]);
});

it("counts what a graph quantises itself", () => {
  const options = (name: string) => ({
    quantised: "8-4-8",
    classes: name === "bnext-18" ? 10 : 1000,
  });
  for (const name of ["bnext-t", "bnext-18"]) {
    const own = cost(buildModel(name, options(name)));
    const asked = cost(buildModel(name, { ...options(name), quantised: undefined }), {
      ends: "8-4-8",
    });
    expect(own.ops).toBe(asked.ops);
    expect(own.bytes).toEqual(asked.bytes);
    expect(own.macs).toBe(asked.macs);
  }
  expect(summarize(buildModel("bnext-nano", { quantised: "8-32-4" })).ends).toBe("8-32-4");
  expect(summarize(buildModel("bnext-nano")).ends).toBe("float32");
  const eight = cost(buildModel("bnext-t", { quantised: "8-8-8" }));
  // 1,482,496 gate weights and 12,276 biases, 4 bits more each.
  expect(eight.bytes.packed - cost(buildModel("bnext-t"), { ends: "8-4-8" }).bytes.packed).toBe(
    (1_482_496 + 12_276) / 2,
  );
});

it.each([
  {
    name: "bnext-18",
    parameters: 12_064_648,
    binaryGmacs: 1.68,
    flops: 1.38,
    ops: 1.64,
    mib: 5.42,
  },
  {
    name: "reactnet-a",
    parameters: 29_343_592,
    binaryGmacs: 4.82,
    flops: 0.12,
    ops: 0.87,
    mib: 7.53,
  },
  { name: "reactnet-18", parameters: 11_704_424, binaryGmacs: 1.68, flops: 1.38, ops: 1.64 },
  { name: "reactnet-34", parameters: 21_827_432, binaryGmacs: 3.53, flops: 1.38, ops: 1.93 },
])("$name has the published counts", ({ name, parameters, binaryGmacs, flops, ops, mib }) => {
  const total = cost(buildModel(name));
  expect(total.parameters).toBe(parameters);
  expect(total.binaryMacs / 1e9).toBeCloseTo(binaryGmacs, 2);
  expect((total.macs - total.binaryMacs) / 1e8).toBeCloseTo(flops, 2);
  expect(total.ops / 1e8).toBeCloseTo(ops, 2);
  if (mib) expect(total.bytes.packed / mebi).toBeCloseTo(mib, 2);
});

/** As torchvision and the articles state them: all of it is real. */
it.each([
  ["resnet-18", 11_689_512, 1.814],
  ["resnet-34", 21_797_672, 3.664],
  ["resnet-50", 25_557_032, 4.089],
  ["resnet-101", 44_549_160, 7.801],
  ["resnet-152", 60_192_808, 11.514],
  ["resnet-20", 269_722, 0.041],
  ["resnet-32", 464_154, 0.069],
  ["resnet-44", 658_586, 0.097],
  ["resnet-56", 853_018, 0.125],
  ["resnet-110", 1_727_962, 0.253],
  ["mobilenet-v1", 4_231_976, 0.569],
])("%s has %i parameters and %f G multiply-adds", (name, parameters, gmacs) => {
  const total = cost(buildModel(name));
  expect(total.parameters).toBe(parameters);
  expect(total.macs / 1e9).toBeCloseTo(gmacs, 3);
  expect(total).toMatchObject({ binaryMacs: 0, binaryParameters: 0, ops: total.macs });
});

/** Two signs, one 1-bit convolution of 4 channels, one real one of the same shape. */
function twoConvs() {
  const b = new GraphBuilder("two");
  const x = b.input("x", [2, 4, 3, 3]);
  const spec = { kind: "parameter", role: "other", init: { kind: "constant", value: 1 } } as const;
  const w = b.tensor("a.w", { shape: [5, 4, 1, 1], ...spec });
  const v = b.tensor("b.w", { shape: [5, 4, 1, 1], ...spec });
  const attrs = { stride: [1, 1], padding: [0, 0], groups: 1 };
  const signs = b.op("sign", [x], { estimator: "identity", range: 1, zero: -1 }, "a.sign");
  const binarise = { scale: "none", estimator: "identity", zero: -1 };
  const bits = b.op("binarize-weight", [w], binarise, "a.bits");
  const y = b.op("binary-conv", [signs, bits], { ...attrs, padValue: 0 }, "a");
  const unsigned = b.op("binary-conv", [x, bits], { ...attrs, padValue: 0 }, "c");
  const z = b.op("conv", [x, v], attrs, "b");
  b.output("logits", b.op("add", [b.op("add", [y, z], {}, "d"), unsigned], {}, "e"));
  return b.build();
}

describe("counting by hand", () => {
  const { layers, ...total } = cost(twoConvs());
  const named = (name: string) => layers.find((layer) => layer.name === name)!;
  const macs = 2 * 5 * 9 * 4;

  it("takes a convolution as 1-bit only where signs meet binarised weights", () => {
    expect(total.macs).toBe(3 * macs);
    expect(total.binaryMacs).toBe(macs);
    expect(named("c").binaryMacs).toBe(0);
    expect(total.ops).toBe(macs / 64 + 2 * macs);
    expect(total.binaryParameters).toBe(20);
    expect(total.bytes).toEqual({ float32: 160, packed: Math.ceil(20 / 8) + 80 });
  });

  it("charges the preparation of weights to the node that uses them, once", () => {
    expect(layers.map(({ name }) => name)).toEqual(["a.sign", "a", "c", "b", "d", "e"]);
    expect(named("a")).toMatchObject({ parameters: 20, binaryParameters: 20, elementwise: 20 });
    expect(named("c").parameters).toBe(0);
    expect(named("b")).toMatchObject({ parameters: 20, binaryParameters: 0, shape: [2, 5, 3, 3] });
  });

  it("counts every pass over memory", () => {
    const [x, w, y] = [72, 20, 90];
    expect(named("a.sign").bytesMoved).toBe(4 * 2 * x);
    expect(named("a").bytesMoved).toBe(4 * (x + w + y + 2 * w));
    expect(named("d").bytesMoved).toBe(4 * 3 * y);
    expect(total.passes).toBe(7);
    expect(total.elementwise).toBe(x + w + 2 * y);
  });
});

it("grows with the batch, parameters apart", () => {
  const graph = buildModel("reactnet-nano");
  const [one, eight] = [cost(graph), cost(rebatch(graph, 8))];
  expect(eight.binaryMacs).toBe(8 * one.binaryMacs);
  expect(eight.parameters).toBe(one.parameters);
});

it.each([
  [-1, 72],
  [1, 72],
  [0, 72],
  [0.5, 0],
])("signs padded with %s have %i 1-bit weights", (value, weights) => {
  const b = new GraphBuilder("padded");
  const x = b.input("x", [1, 4, 5, 5]);
  const signs = b.op("sign", [x], { estimator: "clip", range: 1, zero: 1 });
  const pads = { before: [0, 0, 0, 0], after: [0, 0, 1, 1], value };
  const init = { kind: "constant", value: 1 } as const;
  const latent = b.tensor("w", { shape: [2, 4, 3, 3], kind: "parameter", role: "binary", init });
  const style = { scale: "none", estimator: "clip", range: 1, zero: 1 };
  const conv = [b.op("pad", [signs], pads), b.op("binarize-weight", [latent], style)];
  const attrs = { stride: [2, 2], padding: [0, 0], groups: 1, padValue: 0 };
  b.output("y", b.op("binary-conv", conv, attrs));
  const { binaryParameters, binaryMacs } = cost(b.build());
  expect([binaryParameters, binaryMacs]).toEqual([weights, 4 * weights]);
});

it("finds nothing binary in the step-1 form and in the real twin", () => {
  for (const form of ["step1", "real"] as const) {
    const total = cost(buildModel("bnext-nano", { form }));
    expect(total.binaryMacs).toBe(0);
    expect(total.binaryParameters).toBe(0);
    expect(total.macs).toBe(cost(buildModel("bnext-nano")).macs);
  }
});

it.each(["bnext-nano", "reactnet-nano"])("%s is small and 1-bit", (name) => {
  const summary = summarize(buildModel(name, { classes: 10, input: [1, 28, 28] }));
  expect(summary.bytes.packed).toBeLessThan(125_000);
  expect(summary.binaryShareOfMacs).toBeGreaterThan(0.95);
  expect(summary.binaryShareOfParameters).toBeGreaterThan(0.9);
});

it("summarises in the shape that the command line promises", () => {
  const summary = summarize(buildModel("bnext-nano"));
  const json = JSON.parse(JSON.stringify(summary));
  expect(json).toMatchObject({
    parameters: expect.any(Number),
    binaryParameters: expect.any(Number),
    macs: expect.any(Number),
    binaryMacs: expect.any(Number),
    ops: expect.any(Number),
    bytes: { float32: expect.any(Number), packed: expect.any(Number) },
    binaryShareOfMacs: expect.any(Number),
    binaryShareOfParameters: expect.any(Number),
    layers: expect.any(Array),
  });
  expect(json.blocks.map(({ name }: { name: string }) => name)).toEqual([
    ...Array.from({ length: 5 }, (_, i) => `feature.${i}`),
    "prelu",
    "avgpool",
    "fc",
  ]);
});
