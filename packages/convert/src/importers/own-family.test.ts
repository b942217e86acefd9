import { OnebitError, UsageError } from "onebit";
import { evaluate, type Graph, GraphBuilder, type Tensor } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { comparePacked } from "../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { type Importer, type ImportOptions, importCheckpoint, importStream } from "../index.js";
import { checkpointOf, rename, type Tensors, torchFile } from "./test-support/checkpoints.js";

const [channels, classes] = [5, 3];

/** A network that the catalogue does not have: binary 3x3, batch norm, pool, classifier. */
function tinyGraph(): Graph {
  const b = new GraphBuilder("tiny");
  const x = b.input("x", [1, 3, 6, 6]);
  const one = { kind: "constant", value: 1 } as const;
  const tensor = (key: string, shape: number[], role: "binary" | "norm" | "classifier") =>
    b.tensor(key, { shape, kind: "parameter", role, init: one });
  const attrs = { estimator: "clip", range: 1, zero: 1 };
  const weight = tensor("conv.weight", [channels, 3, 3, 3], "binary");
  const binarizer = { scale: "none", estimator: "clip", range: 1, zero: 1 };
  const signs = b.op("binarize-weight", [weight], binarizer, "binarize");
  const geometry = { stride: [1, 1], padding: [1, 1], groups: 1, padValue: 0 };
  const conv = b.op("binary-conv", [b.op("sign", [x], attrs, "sign"), signs], geometry, "conv");
  const biased = b.op("bias", [conv, tensor("conv.bias", [channels], "norm")], {}, "biased");
  const pooled = b.op("reshape", [b.op("global-average-pool", [biased])], { shape: [0, -1] });
  const fc = tensor("fc.weight", [classes, channels], "classifier");
  b.output("logits", b.op("linear", [pooled, fc], {}, "fc"));
  return b.build();
}

/** Keys and layouts as another framework might have them: output channels last. */
const tiny: Importer = {
  family: "tiny",
  recognises: ({ tensors }) => tensors.has("body/quant_conv/kernel"),
  owns: (key) => /^(body|head)\//.test(key),
  takes: ["zeroWeights"],
  network: async ({ tensors, metadata }) => {
    const kernel = tensors.get("body/quant_conv/kernel")!;
    const official = new Map([...tensors].map(([key, entry]) => [renamed[key] ?? key, entry]));
    official.set("conv.weight", {
      ...kernel,
      shape: [channels, 3, 3, 3],
      floats: async () => outsFirst(await kernel.floats()),
      stored: kernel,
    } as typeof kernel);
    return {
      architecture: { graph: tinyGraph() },
      tensors: official,
      form: "binary",
      labels: { names: ["ant", "bee", "cow"], notes: ["named by the family"] },
      preprocess: {
        ...{ size: [6, 6], channels: 3, resize: 6, crop: "center", interpolation: "bilinear" },
        ...{ mean: [0.5, 0.5, 0.5], std: [1, 1, 1] },
      },
      notes: [`epoch ${metadata.get("epoch") ?? "unknown"}`],
    };
  },
};

const renamed: { readonly [key: string]: string } = {
  "body/quant_conv/kernel": "conv.weight",
  "body/quant_conv/bias": "conv.bias",
  "head/kernel": "fc.weight",
};

function outsFirst(kernel: Float32Array): Float32Array<ArrayBuffer> {
  const size = kernel.length / channels;
  return Float32Array.from(kernel, (_, i) => kernel[(i % size) * channels + Math.floor(i / size)]);
}

function tensorsOf(): Tensors {
  const of = (...shape: number[]): Tensor => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    return { shape, data: randomImages([size], size).data };
  };
  return {
    "body/quant_conv/kernel": of(3, 3, 3, channels),
    "body/quant_conv/bias": of(channels),
    "head/kernel": of(classes, channels),
  };
}

const stored = tensorsOf();
const own = (options: ImportOptions = {}) => ({ importers: [tiny], ...options });

/** Plain loops over the file's own layout. */
function logitsOf(image: Tensor): number[] {
  const [kernel, bias, head] = Object.values(stored).map(({ data }) => data);
  const sign = (c: number, y: number, x: number) =>
    y < 0 || x < 0 || y > 5 || x > 5 ? 0 : image.data[(c * 6 + y) * 6 + x] >= 0 ? 1 : -1;
  const pooled = Array.from({ length: channels }, (_, o) => {
    let sum = 0;
    for (let y = 0; y < 6; y++)
      for (let x = 0; x < 6; x++)
        for (let i = 0; i < 27; i++) {
          const [c, ky, kx] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
          sum += sign(c, y + ky - 1, x + kx - 1) * Math.sign(kernel[i * channels + o]);
        }
    return sum / 36 + bias[o];
  });
  return Array.from({ length: classes }, (_, k) =>
    pooled.reduce((sum, value, o) => sum + value * head[k * channels + o], 0),
  );
}

it("a family of one's own is recognised, mapped, named and computes what its file says", async () => {
  const file = torchFile({
    state_dict: stored,
    epoch: 7,
    "optimizer/kernel": stored["head/kernel"],
  });
  const { model, report } = await importCheckpoint(file, own());
  expect(report).toMatchObject({
    ...{ family: "tiny", arch: "tiny", wrapper: ["state_dict"], classes, input: [3, 6, 6] },
    ...{ widths: [channels], form: "binary", binary: true, switches: {}, outside: 1 },
    notes: [
      "epoch 7",
      "named by the family",
      expect.stringMatching(/^left out: optimizer\/kernel/),
    ],
  });
  expect(report.tensors.map(({ key, shape }) => [key, shape])).toEqual([
    ["conv.weight", [3, 3, 3, channels]],
    ["conv.bias", [channels]],
    ["fc.weight", [classes, channels]],
  ]);
  expect(model.labels).toEqual(["ant", "bee", "cow"]);
  const graph = floatModelGraph(model);
  const image = randomImages([1, 3, 6, 6], 4);
  const { outputs } = evaluate(graph, { x: image }, model.tensors);
  logitsOf(image).forEach((logit, k) => {
    expect(outputs.logits.data[k]).toBeCloseTo(logit, 5);
  });
  const packed = pack(graph, model.tensors);
  expect(comparePacked(graph, model.tensors, packed, image)).toMatchObject({ differentBits: 0 });
});

it("its tensors can be streamed, and its labels and images be told otherwise", async () => {
  const told = { labels: ["x", "y", "z"], preprocess: { mean: [0] } };
  const { model, tensors } = await importStream(checkpointOf(stored), own(told));
  expect(model).toMatchObject({ labels: ["x", "y", "z"], preprocess: { mean: [0, 0, 0] } });
  const keys: string[] = [];
  for await (const [key] of tensors) keys.push(key);
  expect(keys).toEqual(["conv.weight", "conv.bias", "fc.weight"]);
});

it("what it lacks, has too much, or has no use for is refused as of every family", async () => {
  const refusal = (edit: (tensors: Tensors) => void, told?: ImportOptions) =>
    importCheckpoint(checkpointOf(stored, edit), own(told)).catch((error: unknown) => error);
  const missing = await refusal((tensors) => rename(tensors, /^head.kernel/, "tail"));
  expect(missing).toBeInstanceOf(OnebitError);
  expect(String(missing)).toMatch(/do not fit tiny: 1 missing: fc\.weight/);
  const more = await refusal((tensors) =>
    Object.assign(tensors, { "head/bias": stored["head/kernel"] }),
  );
  expect(String(more)).toMatch(/1 unexpected: head\/bias/);
  const zeros = (tensors: Tensors) => {
    tensors["body/quant_conv/kernel"] = { shape: [3, 3, 3, 5], data: new Float32Array(135) };
  };
  expect(String(await refusal(zeros))).toMatch(/135 of 135 weights are exactly 0/);
  expect(await refusal(zeros, { zeroWeights: -1 })).toHaveProperty("report");
  const stride = await refusal(() => {}, { stemStride: 2 });
  expect(stride).toBeInstanceOf(UsageError);
  expect(String(stride)).toMatch(/stemStride: a tiny network describes itself; leave it out/);
});

it("without its importer the families that are known are listed", async () => {
  await expect(importCheckpoint(checkpointOf(stored))).rejects.toThrow(/known: tflite, .*bnext, /);
  await expect(importCheckpoint(checkpointOf({ a: stored["head/kernel"] }), own())).rejects.toThrow(
    "known: tiny, tflite",
  );
});
