import { writeOnebit } from "onebit/file";
import { GraphBuilder, linear } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { forOutputs, programCost } from "onebit/program";
import { describe, expect, it } from "vitest";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import { floatModel, tinyBnext } from "../test-support/networks.js";
import { type ExplainedStep, type Explanation, explain } from "./explain.js";
import { partsOf } from "./parts.js";
import { perMacLine } from "./per-mac.js";
import { describeStep } from "./steps.js";

const quick = { warmupMs: 0, minRuns: 2, maxRuns: 2 };
const limits = { warmupMs: 0, minRounds: 2, maxRounds: 2 };
const packedOf = (model: ReturnType<typeof tinyBnext>) =>
  pack(floatModelGraph(model), model.tensors);

it("names what every step is for, and why it runs in bits or not", () => {
  const { program } = packedOf(tinyBnext());
  const steps = program.steps.map((_, index) => describeStep(program, index));
  const byName = new Map(steps.map((step) => [step.name, step]));
  expect(byName.get("feature.0")).toMatchObject({ role: "stem", bits: false });
  expect(byName.get("feature.1.Attention.binary_conv")).toMatchObject({
    ...{ role: "binary", bits: true, geometry: "3x3 8 to 8, 8x8" },
    why: "signs times 1-bit weights",
  });
  expect(byName.get("feature.1.Attention.se.se.1")).toMatchObject({ role: "gate" });
  expect(byName.get("fc")).toMatchObject({ role: "classifier", geometry: "8 to 4" });
  for (const step of steps) expect(step.bits).toBe(step.role === "binary");
});

it("says that a real network has no signs", () => {
  const { program } = packedOf(
    floatModel("reactnet-nano", { form: "real", classes: 4, input: [3, 16, 16] }),
  );
  const steps = program.steps.map((_, index) => describeStep(program, index));
  expect(steps.some(({ role }) => role === "binary")).toBe(false);
  expect(steps.filter(({ role }) => role === "real").length).toBeGreaterThan(3);
});

it("knows no stem and no gates where rows of a table come in", () => {
  const b = new GraphBuilder("table");
  const row = b.input("row", [1, 4]);
  const hidden = b.op("relu", [linear(b, "fc1", row, 8)]);
  b.output("logits", linear(b, "fc3", linear(b, "fc2", hidden, 8), 2));
  const graph = b.build();
  const { program } = pack(graph, randomWeights(graph, 1));
  const roles = program.steps.map((_, index) => describeStep(program, index).role);
  expect(roles).toEqual(["real", "real", "classifier"]);
});

it("says what holds depthwise convolutions up", () => {
  const { program } = packedOf(
    floatModel("bdnet-nano", { form: "binary", classes: 4, input: [3, 16, 16] }),
  );
  const steps = program.steps.map((_, index) => describeStep(program, index));
  const depthwise = steps.filter((one) => one.depthwise);
  expect(depthwise.length).toBeGreaterThan(0);
  for (const { geometry, why, bits } of depthwise) {
    expect(geometry).toMatch(/ groups /);
    expect([bits, why]).toEqual([
      true,
      expect.stringMatching(/one bit of each word, which is counted by itself/),
    ]);
  }
  const figures = { milliseconds: 4, binaryMacs: 1e9, binaryAloneMs: 4 } as const;
  const measured = steps
    .filter(({ role }) => role === "binary")
    .slice(0, 2)
    .map((one) => step({ ...one, ...figures }));
  const parts = partsOf(measured, 8);
  const told = { steps: measured, parts, stepsMs: 8, covered: 1 } as unknown as Explanation;
  expect(parts.map(({ name }) => name)).toContain("binary depthwise 3x3");
  expect(perMacLine(told)).toMatch(
    /in the convolutions alone, of which depthwise ones take \d+ % of the whole: an output reads one channel/,
  );
});

it("splits the bytes that the program counts by width", () => {
  const { program } = packedOf(tinyBnext());
  const { steps } = programCost(program);
  program.steps.forEach((step, index) => {
    const { bytes } = describeStep(program, index);
    const { weightBytes, activationBytes } = steps[index];
    expect(bytes.binaryWeights + bytes.realWeights, step.covers[0]).toBe(weightBytes);
    expect(bytes.binaryActivations + bytes.realActivations, step.covers[0]).toBe(activationBytes);
    if (step.kind !== "binary-conv") expect(bytes.binaryWeights).toBe(0);
  });
});

it("gives every step of the classifier its time on either backend", async () => {
  const packed = packedOf(tinyBnext());
  const { steps: expected } = forOutputs(packed.program, ["logits"]);
  const bytes = await writeOnebit(packed);
  for (const backend of ["wasm", "reference"] as const) {
    const how = { backend, threads: 1, profile: quick, limits };
    const { steps, runs, nonBinaryShare, parts } = await explain("tiny", bytes, how);
    expect(runs).toBe(2);
    expect(steps.map(({ covers }) => covers)).toEqual(expected.map(({ covers }) => covers));
    expect(nonBinaryShare === undefined).toBe(backend === "reference");
    for (const { role, gmacs, macs, binaryMacs, milliseconds } of steps) {
      if (role === "binary") expect(gmacs).toBeCloseTo(binaryMacs / milliseconds / 1e6, 9);
      if (role === "element-wise") expect(macs + binaryMacs).toBe(0);
    }
    expect(parts.map(({ name }) => name)).toContain("stem");
  }
});

const step = (fields: Partial<ExplainedStep>) =>
  ({ milliseconds: 0, macs: 0, binaryMacs: 0, elementwise: 0, ...fields }) as ExplainedStep;

it("splits a total into disjoint parts and says what a better rate would save", () => {
  const geometry = "3x3 8 to 8, 8x8";
  const parts = partsOf(
    [
      step({
        role: "binary",
        name: "a",
        geometry,
        milliseconds: 5,
        binaryAloneMs: 4,
        binaryMacs: 4e8,
        elementwise: 1e6,
      }),
      step({
        role: "binary",
        name: "b",
        geometry,
        milliseconds: 3,
        binaryAloneMs: 2,
        binaryMacs: 4e8,
        elementwise: 1e6,
      }),
      step({ role: "stem", milliseconds: 1, macs: 1e7 }),
      step({ role: "element-wise", milliseconds: 1, elementwise: 5e5 }),
    ],
    10.5,
  );
  const figures = parts.map(({ name, milliseconds, share }) => [name, milliseconds, share]);
  expect(figures).toEqual([
    ["binary 3x3", 6, 6 / 10.5],
    ["float work fused behind binary convolutions", 2, 2 / 10.5],
    ["stem", 1, 1 / 10.5],
    ["element-wise passes of their own", 1, 1 / 10.5],
    [
      "the call: all besides the steps, such as the way to another thread and back",
      0.5,
      0.5 / 10.5,
    ],
  ]);
  const [binary, fused, stem, passes] = parts;
  // b does 200 G/s alone; a at that rate takes 2 ms less.
  expect(binary.change).toEqual({
    what: "its best layer (b) reaches 200 G/s; if all did",
    totalMs: 8.5,
  });
  expect(binary.gmacs).toBeCloseTo(8e8 / 6 / 1e6, 9);
  expect(fused.nsPerOperation).toBeCloseTo(1, 9);
  expect([stem.gmacs, stem.change.totalMs]).toEqual([10, 9.5]);
  expect([passes.nsPerOperation, passes.change.totalMs]).toEqual([2, 10.5]);
});

it("says why a 1-bit multiply-add takes longer than in the convolutions alone", () => {
  const binary = {
    role: "binary",
    name: "a",
    geometry: "3x3 8 to 8, 8x8",
    binaryMacs: 1e9,
  } as const;
  const steps = [
    step({ ...binary, milliseconds: 4, binaryAloneMs: 3 }),
    step({ role: "stem", milliseconds: 5, macs: 1.2e8 }),
    step({ role: "element-wise", milliseconds: 0.5, elementwise: 1e6 }),
    step({ role: "element-wise", milliseconds: 0.4, elementwise: 1e6 }),
    step({ role: "classifier", milliseconds: 0.1, macs: 1e6 }),
  ];
  const told = {
    steps,
    parts: partsOf(steps, 10),
    stepsMs: 10,
    covered: 1,
  } as unknown as Explanation;
  expect(perMacLine(told)).toBe(
    "10.00 ps per 1-bit multiply-add, 3.00 ps in the convolutions alone; the rest: " +
      "stem 50 % (120 M real multiply-adds), float work fused behind binary convolutions 10 %, " +
      "element-wise passes of their own 9 % (2 steps)",
  );
  expect(perMacLine({ ...told, steps: steps.slice(1) })).toBeUndefined();
});

it("gives the call what the steps leave, and never less than nothing", () => {
  const stem = step({ role: "stem", milliseconds: 9, macs: 1e6 });
  const times = (total: number) => partsOf([stem], total).map(({ milliseconds }) => milliseconds);
  expect(times(10)).toEqual([9, 1]);
  expect(times(8)).toEqual([9, 0]);
});

describe("a binary part against the port limits", () => {
  const fields = { role: "binary", geometry: "1x1 8 to 8, 8x8" } as const;
  const popcounts = { form: "VPOPCNTDQ", gmacs: 200, derivation: "" };
  const tiles = { form: "AMX tiles", gmacs: 400, derivation: "" };

  it("is held against that of its kernel", () => {
    const alone = { milliseconds: 4, binaryAloneMs: 4, binaryMacs: 4e8, limit: popcounts };
    const [part] = partsOf([step({ ...fields, ...alone, name: "a" })], 4);
    expect(part.change).toEqual({
      what: "it reaches 50 % of the port limit of VPOPCNTDQ; at the limit",
      totalMs: 2,
    });
  });

  it("is held against each of its kernels' own, by the work that they do", () => {
    const a = { milliseconds: 2, binaryAloneMs: 2, binaryMacs: 2e8, limit: popcounts };
    const b = { milliseconds: 6, binaryAloneMs: 6, binaryMacs: 6e8, limit: tiles };
    const steps = [a, b].map((alone) => step({ ...fields, ...alone }));
    const [part] = partsOf(steps, 8);
    // 1 ms at 200 G/s and 1.5 ms at 400 G/s, of 8.
    expect(part.change).toEqual({
      what: "it reaches 31 % of the port limit of AMX tiles (75 % of its work) and VPOPCNTDQ (25 % of its work); at the limit",
      totalMs: 2.5,
    });
  });
});
