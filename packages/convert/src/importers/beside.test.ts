import { OnebitError } from "onebit";
import { evaluate, type Tensor } from "onebit/graph";
import { buildModel, floatModelGraph, scalarInputs } from "onebit/models";
import { describe, expect, it } from "vitest";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { type ImportOptions, importCheckpoint } from "./import-checkpoint.js";
import {
  checkpointOf,
  rename,
  type Saved,
  type Tensors,
  torchFile,
  under,
  weightsOf,
} from "./test-support/checkpoints.js";

const options = { classes: 4, input: [3, 32, 32], widths: [4, 8, 8] } as const;
const network = weightsOf("bnext", options);
const size = Object.keys(network).length;
/** The same network with other weights. */
const other = Object.fromEntries(
  Object.entries(network).map(([key, { shape, data }]) => [
    key,
    { shape, data: /temperature|num_batches|running_var/.test(key) ? data : data.map((x) => -x) },
  ]),
);
const vector = (...values: number[]): Tensor => ({
  shape: [values.length],
  data: Float32Array.from(values),
});

function logits(tensors: { readonly [key: string]: Tensor }, graph = buildModel("bnext", options)) {
  const feeds = { x: randomImages(graph.inputs[0].shape, 5), ...scalarInputs(graph, tensors) };
  return [...evaluate(graph, feeds, tensors).outputs.logits.data];
}

/** Imports and expects the logits of `expected`. */
async function imported(saved: Saved, expected: Tensors = network, told: ImportOptions = {}) {
  const { model, report } = await importCheckpoint(torchFile(saved), told);
  expect(logits(model.tensors, floatModelGraph(model))).toEqual(logits(expected));
  return report;
}

async function refusal(saved: Saved, told: ImportOptions = {}): Promise<string> {
  const error = await importCheckpoint(torchFile(saved), told).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OnebitError);
  return (error as Error).message;
}

const leftOut = ({ notes }: { readonly notes: readonly string[] }) =>
  notes.filter((note) => note.startsWith("left out"));

describe("what PyTorch's wrappers add to keys is taken off", () => {
  it.each<[string, Saved, readonly string[], string]>([
    ["DataParallel", under("module.", network), [], "module."],
    ["compile", { state_dict: under("_orig_mod.", network) }, ["state_dict"], "_orig_mod."],
    ["both", under("module._orig_mod.", network), [], "module._orig_mod."],
    ["Lightning", { state_dict: under("model.net.", network) }, ["state_dict"], "model.net."],
    ["a dict called module", { module: network, epoch: 3 }, ["module"], ""],
    ["dicts in dicts", { a: { b: under("x.module.", network) } }, ["a", "b"], "x.module."],
  ])("%s", async (_, saved, wrapper, prefix) => {
    const report = await imported(saved);
    expect(report).toMatchObject({ wrapper, prefix, outside: 0, leftOut: [] });
    expect(report.tensors).toHaveLength(size);
  });

  it("around modules inside of the network too", async () => {
    const inner = { ...network };
    rename(inner, /^feature\./, "feature.module.");
    rename(inner, /^fc\./, "fc._orig_mod.");
    await imported(inner);
    await imported({ state_dict: under("module.", inner) });
    const deep = { ...network };
    rename(deep, /^(feature\.\d+)\./, "$1.module.");
    await imported(deep);
  });

  it("unless a tensor is then there twice", async () => {
    const twice = { ...network, "module.fc.bias": network["fc.bias"] };
    expect(await refusal(twice)).toMatch(
      /fc\.bias is in the file twice, as fc\.bias and module\.fc\.bias: keep one/,
    );
  });
});

describe("what lies beside the network is left out, and said", () => {
  it("thop's counters, anywhere", async () => {
    const counted: Tensors = { ...network, total_ops: vector(1), total_params: vector(1) };
    for (const key of Object.keys(network).filter((name) => name.endsWith(".weight"))) {
      counted[key.replace(/weight$/, "total_ops")] = vector(7);
      counted[key.replace(/weight$/, "total_params")] = vector(7);
    }
    const tensors = Object.keys(counted).length - size;
    const report = await imported({ state_dict: under("module.", counted) });
    expect(report.outside).toBe(tensors);
    expect(leftOut(report)).toEqual([
      `left out: total_ops, total_params (${tensors} tensors, operations counted by thop)`,
    ]);
  });

  it("losses, teachers of other kinds, optimisers, by group and number", async () => {
    const beside = { "criterion.weight": vector(1, 2), "loss.T": vector(3) };
    const teacher = {
      "teacher.conv1.weight": vector(1),
      "teacher.layer1.0.conv1.weight": vector(1),
    };
    const report = await imported({
      state_dict: { ...under("student.module.", network), ...beside, ...teacher },
      optimizer: { state: { 0: { exp_avg: vector(1), exp_avg_sq: vector(1) } } },
      top1: vector(70),
      epoch: 7,
    });
    expect(report).toMatchObject({ wrapper: ["state_dict"], prefix: "student.module." });
    expect(leftOut(report)).toEqual([
      "left out: state_dict.criterion.* (1 tensor), state_dict.loss.* (1 tensor), " +
        "state_dict.teacher.* (2 tensors), optimizer.* (2 tensors), top1 (1 tensor)",
    ]);
    expect(report.outside).toBe(7);
    expect(report.leftOut).toContainEqual({ keys: "state_dict.teacher.*", tensors: 2 });
  });

  it("beside a bare state dict", async () => {
    const report = await imported({ ...network, "criterion.weight": vector(1), swag: vector(2) });
    expect(leftOut(report)).toEqual(["left out: criterion.* (1 tensor), swag (1 tensor)"]);
  });

  it("but nothing inside of the network's modules: a key may be misspelt", async () => {
    const message = await refusal({ ...network, "feature.1.FFN_1.norm1.weigth": vector(1) });
    expect(message).toMatch(/1 unexpected: feature\.1\.FFN_1\.norm1\.weigth/);
    const { "fc.bias": bias, ...rest } = network;
    const misnamed = await refusal({ ...rest, "fc.biass": bias });
    expect(misnamed).toMatch(/1 missing: fc\.bias \(nearest: fc\.biass\)/);
  });

  it("many groups, in part", async () => {
    const names = Array.from({ length: 40 }, (_, i) => [`extra${i}.weight`, vector(i)]);
    const report = await imported({ ...network, ...Object.fromEntries(names) });
    expect(report.leftOut).toHaveLength(40);
    expect(leftOut(report)[0]).toMatch(/, and 28 tensors in 28 other places$/);
  });
});

describe("counters of batches", () => {
  const counter = /num_batches_tracked$/;
  const without = (drop: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(network).filter(([key]) => !drop(key)));

  it.each([
    ["all", (key: string) => counter.test(key)],
    ["some", (key: string) => key === "feature.0.bn1.num_batches_tracked"],
  ])("may be missing: %s", async (_, drop) => {
    const missing = Object.keys(network).filter(drop).length;
    const report = await imported(without(drop));
    expect(report.tensors).toHaveLength(size - missing);
    expect(report.notes).toContainEqual(
      expect.stringMatching(`^${missing} counters of batches .* become 0`),
    );
  });

  it("may have one dimension", async () => {
    const entries = Object.entries(network).map(([key, { shape, data }]) => [
      key,
      { shape: counter.test(key) ? [1] : shape, data },
    ]);
    await imported(Object.fromEntries(entries));
  });
});

describe("of several networks", () => {
  it.each([
    ["state_dict_ema", { state_dict: network, state_dict_ema: other }],
    ["ema", { model: network, ema: { module: other, updates: 3 } }],
    ["ema_model", { net: network, ema_model: under("module.", other) }],
    [
      "swa_model",
      { model_state: network, swa_model: { n_averaged: vector(3), ...under("module.", other) } },
    ],
    [
      "state_dict.model_ema",
      { state_dict: { ...under("model.", network), ...under("model_ema.", other) } },
    ],
    ["ema1", { "my weights": network, ema1: other }],
    ["averaged_model", { "my weights": network, averaged_model: under("module.", other) }],
  ] satisfies [string, Saved][])(
    "plain weights come before %s, and it is named",
    async (dict, saved) => {
      const report = await imported(saved);
      expect(leftOut(report)[0]).toMatch(
        `tensors, averaged weights, by its name; --dict ${dict} imports it instead)`,
      );
      const again = await imported(saved, other, { wrapper: [dict] });
      expect(leftOut(again)[0]).toMatch(/another network; --dict .+ imports it instead/);
    },
  );

  it("averaged weights that nothing could import are called so too", async () => {
    const flat = Object.fromEntries(
      Object.entries(other).map(([key, tensor]) => [
        `model_ema.${key.replaceAll(".", "")}`,
        tensor,
      ]),
    );
    const report = await imported({ state_dict: { ...under("model.", network), ...flat } });
    expect(leftOut(report)[0]).toMatch(
      /model_ema\.\* \(\d+ tensors, averaged weights, by its name\)/,
    );
  });

  it("students come before teachers in the same dict, and can be named in many ways", async () => {
    const both = { ...under("model.student.", network), ...under("model.teacher.", other) };
    const saved = { state_dict: both, epoch: 1 };
    expect(leftOut(await imported(saved))[0]).toMatch(/--dict state_dict\.model\.teacher imports/);
    for (const name of ["student", "model.student", "state_dict.model.student", "student.*"]) {
      await imported(saved, network, { wrapper: [name] });
    }
    for (const wrapper of [["teacher"], ["state_dict", "model", "teacher"]]) {
      await imported(saved, other, { wrapper });
    }
    expect(await refusal(saved, { wrapper: ["studnet"] })).toMatch(
      /studnet: no network of a known family lies there; choose with --dict state_dict\.model\.student or --dict state_dict\.model\.teacher/,
    );
  });

  it("a network comes before those that are parts beside its own", async () => {
    await imported({ ...network, ...under("assistant.", other) });
    await imported({ ...network, ...under("copy.", other) });
  });

  it("none is guessed: the message says how to choose", async () => {
    const saved = { student: network, teacher: other };
    expect(await refusal(saved)).toMatch(
      `which network is meant? There are student (${size} tensors), teacher (${size} tensors): ` +
        "choose with --dict student or --dict teacher",
    );
    await imported(saved, network, { wrapper: ["student"] });
    await imported(saved, other, { wrapper: ["teacher"] });
    const twins = { state_dict: { ...under("a.", network), ...under("b.", other) } };
    expect(await refusal(twins)).toMatch(
      /choose with --dict state_dict\.a or --dict state_dict\.b/,
    );
    await imported(twins, other, { wrapper: ["b"] });
  });

  it("optimisers that name their state by the network's keys are none", async () => {
    const report = await imported({ net: network, optimizer: { state: under("module.", other) } });
    expect(leftOut(report)).toEqual([`left out: optimizer.* (${size} tensors)`]);
  });

  it("there may be 64", async () => {
    const names = Array.from({ length: 65 }, (_, i) => `n${i}.feature.1.FFN.scale`);
    const message = await refusal(Object.fromEntries(names.map((name) => [name, vector(1)])));
    expect(message).toMatch(/more than 64 networks: save the one to import alone/);
  });

  it("another architecture can be meant", async () => {
    const reactnet = weightsOf("reactnet", { ...options, widths: [4, 8] });
    const saved = { net: network, helper: reactnet };
    await imported(saved);
    const { report } = await importCheckpoint(torchFile(saved), { arch: "reactnet" });
    expect(report).toMatchObject({ family: "reactnet", wrapper: ["helper"] });
  });
});

describe("where no network is known", () => {
  it("names are shown, of the dict that was told too", async () => {
    const saved = { state_dict: { "encoder.weight": vector(1) }, other: { "x.weight": vector(2) } };
    expect(await refusal(saved)).toMatch(/not recognised: it has 1 tensor, encoder\.weight/);
    expect(await refusal(saved, { wrapper: ["other"] })).toMatch(
      /1 tensor, x\.weight|tensors, x\.weight/,
    );
    expect(await refusal(saved, { wrapper: ["nowhere"] })).toMatch(/no tensors in nowhere/);
    const unclear = { one: { "x.weight": vector(1) }, two: { "x.weight": vector(2) } };
    expect(await refusal(unclear)).toMatch(/choose with --dict one or --dict two/);
  });
});

it("safetensors have no dicts, but prefixes", async () => {
  const both = { ...under("student.", network), ...under("teacher.", other) };
  const { report } = await importCheckpoint(checkpointOf(both));
  expect(report).toMatchObject({ wrapper: [], prefix: "student." });
});
