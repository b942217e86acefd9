import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "onebit";
import { writeOnebit } from "onebit/file";
import type { Tensor } from "onebit/graph";
import {
  decodeFloatModel,
  encodeFloatModel,
  type FloatModel,
  floatModelGraph,
  scalarInputs,
} from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import {
  expectRuleA,
  expectRuleC,
  goldenTemperature,
} from "../../../core/src/test-support/golden-networks.js";
import { readNpy } from "../../../core/src/test-support/npy.js";
import { runOnnx } from "../../../core/src/test-support/run-onnx.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { fileBuffer } from "../readers/file-buffer.js";
import { type ImportOptions, importCheckpoint } from "./import-checkpoint.js";
import type { ImportReport, TensorReport } from "./report.js";

interface Bundle {
  readonly name: string;
  /** Checkpoints beside state_dict.pth with the same weights. */
  readonly files: readonly string[];
  readonly options?: ImportOptions;
  readonly report: Partial<ImportReport>;
  /** Dead tensors: two kinds of PReLU. */
  readonly dead: number;
}

/** Goldens at 64x64: the one thing that the files do not say. */
const input = [3, 64, 64] as const;

const bundles: readonly Bundle[] = [
  {
    name: "bnext-narrow-c10",
    files: ["checkpoint-dataparallel.pth.tar"],
    report: {
      ...{ family: "bnext", arch: "bnext", classes: 10, input: [3, 32, 32] },
      ...{
        widths: [8, 16, 32, 32, 32, 64, 64, 64],
        switches: { widths: [8, 16, 32, 32, 32, 64, 64, 64] },
      },
    },
    dead: 15,
  },
  {
    name: "bnext18-narrow-c10",
    files: ["checkpoint-dataparallel.pth.tar"],
    report: {
      ...{ family: "bnext-18", arch: "bnext-18", classes: 10, input: [3, 32, 32] },
      ...{ widths: [8, 16, 32, 64], switches: { width: 8, stem: "small" } },
    },
    dead: 8,
  },
  {
    name: "reactnet-a-narrow",
    files: ["checkpoint-dataparallel.pth.tar", "checkpoint-legacy.pth.tar"],
    options: { input },
    report: {
      ...{ family: "reactnet", arch: "reactnet", classes: 100, input },
      ...{ widths: [8, 16, 32, 32, 64, 64], switches: { widths: [8, 16, 32, 32, 64, 64] } },
    },
    dead: 0,
  },
  {
    name: "reactnet-18-narrow",
    files: ["checkpoint-dataparallel.pth.tar", "checkpoint-legacy.pth.tar"],
    options: { input },
    report: {
      ...{ family: "reactnet-resnet", arch: "reactnet-18", classes: 100, input },
      ...{ widths: [8, 16, 32, 64], switches: { width: 8, stem: "imagenet" } },
    },
    dead: 0,
  },
];

async function imported(path: string, options?: ImportOptions) {
  const file = await fileBuffer(path);
  try {
    return await importCheckpoint(file, options);
  } finally {
    await file.close();
  }
}

async function packed({ tensors, ...model }: FloatModel): Promise<Uint8Array<ArrayBuffer>> {
  const contents = pack(floatModelGraph(model), tensors);
  return new Uint8Array(await writeOnebit({ ...contents, ...model }));
}

describe.each(bundles)("$name", ({ name, files, options, report, dead }) => {
  const folder = shared(`goldens/${name}`);
  if (!folder) return it("skipped: no goldens", () => {});
  const path = (file: string) => join(folder, file);
  const fromFile = (file: string, more?: ImportOptions) =>
    imported(path(file), { ...options, ...more });
  const reference = readNpy(path("logits-f64.npy"));
  const images = readNpy(path("input.npy"));

  it("is recognised, every tensor with its fate", async () => {
    const { report: found, model } = await fromFile("state_dict.pth");
    const plain = { form: "binary", binary: true, wrapper: [], prefix: "", outside: 0 };
    expect(found).toMatchObject({ ...report, ...plain });
    expect(found.ignored).toHaveLength(dead);
    const lines = readFileSync(path("keys.txt"), "utf8").trimEnd().split("\n");
    const listed = found.tensors.map(
      ({ key, shape, dtype }) => `${key}\t[${shape.join(", ")}]\t${dtype}`,
    );
    expect(listed.sort()).toEqual(lines.sort());
    const temperature = found.family.startsWith("bnext") ? goldenTemperature : undefined;
    expect(found.temperature?.value).toEqual(temperature && Math.fround(temperature));
    expect(found.temperature?.epoch).toEqual(temperature && 511);
    expect(model.card).toEqual({ source: "state_dict.pth", sha256: found.sha256 });
    expect(decodeFloatModel(encodeFloatModel(model)).architecture).toEqual(model.architecture);
  });

  it("comes out of every file alike", async () => {
    const { model: plain } = await fromFile("state_dict.pth");
    for (const file of files) {
      const { model, report: found } = await fromFile(file);
      expect(found).toMatchObject({ ...report, wrapper: ["state_dict"], prefix: "module." });
      expect(model.tensors).toEqual(plain.tensors);
      expect(model.architecture).toEqual(plain.architecture);
    }
  });

  it("packs to the same bytes from signs alone", async () => {
    const [latent, signs] = await Promise.all(
      (["latent", "signs"] as const).map(async (weights) =>
        packed((await fromFile("state_dict.pth", { weights })).model),
      ),
    );
    expect(signs).toEqual(latent);
  });

  it.each(["reference", "wasm"] as const)("gives the official logits on %s", async (backend) => {
    const { model } = await fromFile("state_dict.pth", { weights: "signs" });
    using network = await load((await packed(model)).buffer, { backend });
    const run = async (x: Tensor) =>
      (await network.run({ shape: x.shape, data: Float32Array.from(x.data) })).logits;
    expectRuleA(await run(images), reference);
    const many = await run(readNpy(path("inputs-many.npy")));
    expectRuleC(many, readNpy(path("logits-many.npy")), readNpy(path("logits-many-f64.npy")));
  });

  it("gives them as ONNX", async () => {
    const { model } = await fromFile("state_dict.pth");
    const graph = floatModelGraph(model);
    const { tensors } = model;
    const onnx = toOnnx(graph, { tensors, scalars: scalarInputs(graph, tensors) });
    expectRuleA((await runOnnx(onnx, { x: images })).logits, reference);
  });
});

it("finds the network beside an optimiser's state", async () => {
  const folder = shared("goldens/reactnet-a-narrow");
  if (!folder) return;
  const { report, model } = await imported(join(folder, "checkpoint-with-optimizer.pth.tar"), {
    input,
  });
  expect(report).toMatchObject({ family: "reactnet", wrapper: ["state_dict"], form: "binary" });
  // Two moments and a step for each parameter; best_top1_acc.
  expect(report.outside).toBe(3 * report.tensors.filter(isParameter).length + 1);
  using network = await load((await packed(model)).buffer, { backend: "reference" });
  const { shape, data } = readNpy(join(folder, "input.npy"));
  const { logits } = await network.run({ shape, data: Float32Array.from(data) });
  expectRuleA(logits, readNpy(join(folder, "logits-f64.npy")));
});

const isParameter = ({ key, fate }: TensorReport) => fate === "used" && !/running_/.test(key);
