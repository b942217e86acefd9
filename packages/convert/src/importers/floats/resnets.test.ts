import { spawnSync } from "node:child_process";
import { UsageError } from "onebit";
import { evaluate } from "onebit/graph";
import { type FloatModel, floatModelGraph, type ModelOptions } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { describe, expect, it } from "vitest";
import { expectClose } from "../../../../core/src/test-support/close.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import { runOnnx } from "../../../../core/src/test-support/run-onnx.js";
import { shared } from "../../../../core/src/test-support/shared.js";
import { openOnnxSession } from "../../onnx/runtime-session.js";
import { openBuffer } from "../../readers/open-buffer.js";
import { type ImportOptions, importCheckpoint } from "../import-checkpoint.js";
import {
  checkpointOf,
  rename,
  type Tensors,
  torchFile,
  under,
  weightsOf,
} from "../test-support/checkpoints.js";
import { publishedResnet } from "../test-support/published-resnet.js";

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const cifar10 = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
const cifar100 = { mean: [0.507, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2761] };

/** chenyaofo's names, and kuangliu's. */
const asFc = (tensors: Tensors) => rename(tensors, /^linear\./, "fc.");
const asLinear = (tensors: Tensors) => {
  rename(tensors, /^fc\./, "linear.");
  rename(tensors, /\.downsample\./, ".shortcut.");
};

interface Network {
  readonly what: string;
  readonly name: string;
  readonly options: Partial<ModelOptions>;
  readonly edit?: (tensors: Tensors) => void;
  readonly told?: ImportOptions;
  /** Size that is assumed. */
  readonly side: number;
  readonly images: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly switches: Partial<ModelOptions>;
}

const narrow = { width: 4, depths: [2, 1, 1, 1], input: [3, 32, 32], classes: 5 } as const;
const small = { width: 4, input: [3, 32, 32] } as const;

const networks: readonly Network[] = [
  {
    what: "torchvision, basic blocks",
    ...{ name: "resnet-18", options: narrow, side: 224, images: imagenet },
    switches: { width: 4, depths: [2, 1, 1, 1], stem: "imagenet" },
  },
  {
    what: "torchvision, bottlenecks",
    ...{ name: "resnet-50", options: narrow, side: 224, images: imagenet },
    switches: { width: 4, depths: [2, 1, 1, 1], stem: "imagenet" },
  },
  {
    what: "kuangliu's for CIFAR-10",
    name: "resnet-18",
    options: { ...small, classes: 10, stem: "small" },
    ...{ edit: asLinear, side: 32, images: cifar10 },
    switches: { width: 4, stem: "small" },
  },
  {
    what: "akamaster's, option A",
    ...{ name: "resnet-32", options: { ...small, classes: 10 }, side: 32, images: imagenet },
    switches: { width: 4 },
  },
  {
    what: "akamaster's, option B, of uneven depths",
    name: "resnet-20",
    options: { ...small, classes: 7, shortcut: "conv", depths: [1, 2, 1] },
    edit: (tensors) => rename(tensors, /\.downsample\./, ".shortcut."),
    ...{ side: 32, images: imagenet },
    switches: { width: 4, shortcut: "conv", depths: [1, 2, 1] },
  },
  {
    what: "chenyaofo's for CIFAR-100",
    name: "resnet-20",
    options: { ...small, classes: 100, shortcut: "conv" },
    ...{ edit: asFc, side: 32, images: cifar100 },
    switches: { width: 4, shortcut: "conv" },
  },
];

async function logitsOf(model: FloatModel, side: number) {
  const image = randomImages([1, 3, side, side], 5);
  const graph = floatModelGraph(model);
  const { logits } = evaluate(graph, { x: image }, model.tensors, { precision: 64 }).outputs;
  return { image, graph, logits };
}

describe.each(networks)("$what", ({ name, options, edit, told, side, images, switches }) => {
  const tensors = weightsOf(name, options);
  const file = () => checkpointOf(tensors, edit);

  it("is recognised, with its preparation", async () => {
    const { model, report } = await importCheckpoint(file(), told);
    expect(report).toMatchObject({ arch: name, switches, form: "real", binary: false });
    expect(report).toMatchObject({ classes: options.classes, input: [3, side, side] });
    expect(report.widths).toEqual([4, 8, 16, 32].slice(0, report.widths.length));
    expect(model.preprocess).toMatchObject({ ...images, size: [side, side], crop: "center" });
    expect(model.preprocess.resize).toBe(side === 224 ? 256 : side);
    expect(report.notes.join()).toContain("real numbers, not 1-bit");
    expect(model.labels[3]).toBe(options.classes === 10 ? "cat" : "3");
  });

  it("computes what the published module does, exported too", async () => {
    const given = { ...tensors };
    edit?.(given);
    const { model } = await importCheckpoint(file(), { ...told, input: [3, 32, 32] });
    const { image, graph, logits } = await logitsOf(model, 32);
    const published = publishedResnet(given, image);
    expectClose(logits.data, published, 1e-9, "logits");
    const onnx = toOnnx(graph, { tensors: model.tensors });
    expectClose((await runOnnx(onnx, { x: image })).logits.data, published, 1e-5, "ONNX");
  });
});

describe("checkpoints around a ResNet", () => {
  const tensors = weightsOf("resnet-20", { ...small, classes: 10 });
  const same = async (buffer: ReturnType<typeof checkpointOf>, told?: ImportOptions) => {
    const { model, report } = await importCheckpoint(buffer, told);
    expect(model.tensors).toEqual(tensors);
    return report;
  };

  it("as trainer.py saves them: a dict, DataParallel's prefix, no counters", async () => {
    const dict = under("module.", tensors);
    const saved = { state_dict: dict, epoch: 199, seed: 3 };
    const report = await same(torchFile(saved));
    expect(report).toMatchObject({ prefix: "module.", wrapper: ["state_dict"] });
  });

  it("as parts of a larger model", async () => {
    const others = { "projector.weight": tensors["linear.weight"] };
    const report = await same(checkpointOf({ ...under("teacher.", tensors), ...others }));
    expect(report.leftOut).toMatchObject([{ keys: "projector.*", tensors: 1 }]);
  });

  it("says which keys do not fit", async () => {
    const squeeze = checkpointOf(tensors, (edited) => {
      edited["layer1.0.se.fc1.weight"] = edited["linear.weight"];
      delete edited["layer2.1.bn1.bias"];
    });
    await expect(importCheckpoint(squeeze)).rejects.toThrow(
      /do not fit resnet-20: 1 missing: layer2\.1\.bn1\.bias.*1 unexpected: layer1\.0\.se\.fc1\.weight/,
    );
    const headless = checkpointOf(tensors, (edited) => rename(edited, /^linear\./, "head."));
    await expect(importCheckpoint(headless)).rejects.toThrow(
      "linear.weight is missing, which says how many classes there are: is this a whole network?",
    );
  });

  it("takes no option that means nothing to it", async () => {
    const told = (options: ImportOptions) => importCheckpoint(checkpointOf(tensors), options);
    await expect(told({ form: "binary" })).rejects.toThrow(UsageError);
    await expect(told({ form: "binary" })).rejects.toThrow("it is a float network");
    await expect(told({ stemStride: 2 })).rejects.toThrow(UsageError);
    await expect(told({ arch: "resnet-56" })).rejects.toThrow("do not fit resnet-56");
    expect((await told({ form: "real", arch: "resnet-20" })).report.arch).toBe("resnet-20");
  });
});

it.each([
  ["resnet-18", undefined],
  ["resnet-50", "IMAGENET1K_V2 wants --resize 232"],
])("%s of 1000 classes: torchvision's images and ImageNet's names", async (name, note) => {
  const options = { width: 2, classes: 1000 };
  const { model, report } = await importCheckpoint(checkpointOf(weightsOf(name, options)));
  expect(model.labels[0]).toBe("tench");
  expect(model.preprocess).toEqual({
    ...{ size: [224, 224], channels: 3, resize: 256, crop: "center", interpolation: "bilinear" },
    ...imagenet,
  });
  expect(report.notes.join().includes("IMAGENET1K_V2")).toBe(note !== undefined);
});

const side = 32;
const plane = side * side;
const recordBytes = 1 + 3 * plane;

/** Normalised images of 3073-byte records, [count, 3, 32, 32], and their labels. */
function batchOf(records: Uint8Array, first: number, count: number) {
  const data = new Float32Array(count * 3 * plane);
  const labels: number[] = [];
  for (let n = 0; n < count; n++) {
    const record = records.subarray((first + n) * recordBytes, (first + n + 1) * recordBytes);
    labels.push(record[0]);
    for (let i = 0; i < 3 * plane; i++) {
      const c = Math.floor(i / plane);
      data[n * 3 * plane + i] = (record[1 + i] / 255 - imagenet.mean[c]) / imagenet.std[c];
    }
  }
  return { x: { type: "float32", shape: [count, 3, side, side], data }, labels } as const;
}

/** Stated with the weights, for the first 1000 test images. */
it.each([
  ["resnet20-12fca82f.th", "resnet-20", 915],
  ["resnet56-4bfd9763.safetensors", "resnet-56", 926],
])("%s is right on its published share of CIFAR-10", async (file, arch, wanted) => {
  const weights = shared(`data/weights/cifar10-resnet/${file}`);
  const images = shared("data/cifar10/test_first1000_lossless.bin.xz");
  if (!weights || !images) return;
  const { stdout: records, error } = spawnSync("xz", ["-dc", images], { maxBuffer: 2 ** 26 });
  if (error && process.env.CI) throw error;
  if (error) return console.log("skipped: the tool xz is not here");
  const buffer = await openBuffer(weights);
  const { model, report } = await importCheckpoint(buffer);
  await buffer.close?.();
  expect(report).toMatchObject({ arch, switches: {}, classes: 10 });
  expect(model.preprocess).toMatchObject(imagenet);
  const batch = 100;
  const onnx = toOnnx(floatModelGraph(model, batch), { tensors: model.tensors });
  const session = await openOnnxSession(arch, onnx, 2);
  let right = 0;
  for (let first = 0; first < 1000; first += batch) {
    const { x, labels } = batchOf(records, first, batch);
    const { data } = (await session.run({ x }, ["logits"])).logits;
    labels.forEach((label, n) => {
      const row = data.subarray(10 * n, 10 * n + 10);
      if (row.indexOf(Math.max(...row)) === label) right++;
    });
  }
  await session.dispose();
  expect(right).toBe(wanted);
});
