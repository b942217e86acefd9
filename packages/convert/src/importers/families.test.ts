import { evaluate, type Tensor } from "onebit/graph";
import { encodeFloatModel, floatModelGraph, type ModelOptions } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { prepareProgram } from "../../../core/src/runtime/backends/reference/program.js";
import { expectClose } from "../../../core/src/test-support/close.js";
import { channelsLast } from "../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { memoryBuffer } from "../readers/async-buffer.js";
import { type ImportOptions, importCheckpoint } from "./import-checkpoint.js";
import {
  checkpointOf,
  poke,
  rename,
  type Tensors,
  torchFile,
  under,
  weightsOf,
} from "./test-support/checkpoints.js";
import { publishedBireal, publishedBireal50 } from "./test-support/published-bireal.js";
import { publishedBoolnet } from "./test-support/published-boolnet.js";
import { publishedVgg } from "./test-support/published-vgg.js";
import { publishedXnorAlexnet, publishedXnorNin } from "./test-support/published-xnor.js";

interface Network {
  readonly what: string;
  readonly name: string;
  readonly options: Partial<ModelOptions> & { readonly input: readonly [number, number, number] };
  /** From the graph's keys to those of the authors. */
  readonly edit?: (tensors: Tensors) => void;
  readonly told?: ImportOptions;
  readonly switches: Partial<ModelOptions>;
  readonly note?: string;
  /** Logits of the authors' modules. */
  readonly published: (dict: Tensors, image: Tensor) => Float64Array;
}

const bireal = { width: 8, depths: [2, 1, 2, 1], classes: 5, input: [3, 64, 64] } as const;
const { classes: _, input: __, ...birealShape } = { ...bireal, stem: "imagenet" } as const;

/** Checkpoints of 1-bit networks as their authors' code saves them, in random weights. */
const networks: readonly Network[] = [
  {
    what: "Bi-Real-18's code",
    ...{ name: "bireal-18", options: bireal, switches: birealShape, published: publishedBireal },
  },
  {
    what: "Bi-Real-18 with 4-D weights",
    ...{ name: "bireal-18", options: bireal, switches: birealShape, published: publishedBireal },
    edit: (tensors) => {
      for (const [key, { data }] of Object.entries(tensors)) {
        const block = /^(.*)\.binary_conv\.weights$/.exec(key)?.[1];
        if (block === undefined) continue;
        const outs = tensors[`${block}.bn1.weight`].data.length;
        delete tensors[key];
        tensors[key.slice(0, -1)] = { shape: [outs, data.length / outs / 9, 3, 3], data };
      }
    },
  },
  {
    what: "Bi-Real-34",
    name: "bireal-34",
    options: { width: 4, classes: 3, input: [3, 64, 64] },
    switches: { width: 4, stem: "imagenet" },
    published: publishedBireal,
  },
  {
    what: "Bi-Real-50's code",
    ...{ name: "bireal-50", options: bireal, switches: birealShape, published: publishedBireal50 },
  },
  {
    what: "Bi-Real-50 of its own depths",
    name: "bireal-50",
    options: { width: 4, classes: 3, input: [3, 64, 64] },
    switches: { width: 4, stem: "imagenet" },
    published: publishedBireal50,
  },
  {
    what: "XNOR-Net's AlexNet, its features in a DataParallel",
    name: "xnor-alexnet",
    options: { classes: 6, input: [3, 99, 99], widths: [4, 8, 12, 8, 8, 20, 24] },
    edit: (tensors) => rename(tensors, /^features\./, "features.module."),
    told: { input: undefined },
    switches: { widths: [4, 8, 12, 8, 8, 20, 24] },
    note: "3x99x99 is assumed",
    published: publishedXnorAlexnet,
  },
  {
    what: "XNOR-Net's NIN, from before counters of batches",
    name: "xnor-nin",
    options: { classes: 10, input: [3, 32, 32], widths: [8, 12, 8, 16, 8, 8, 12, 8] },
    edit: (tensors) => {
      for (const key of Object.keys(tensors)) if (key.endsWith("tracked")) delete tensors[key];
      // Weights of batch-norms that every pass raises.
      poke(tensors, "xnor.4.bn.weight", -0.5, 0.001);
    },
    told: { input: undefined },
    switches: { widths: [8, 12, 8, 16, 8, 8, 12, 8] },
    note: "CIFAR-10's means and deviations are assumed",
    published: publishedXnorNin,
  },
  {
    what: "BinaryNet's VGG",
    name: "binarynet-vgg",
    options: { classes: 10, input: [3, 16, 16], widths: [8, 8, 12, 8, 16, 12, 20, 24] },
    told: { input: undefined },
    switches: { widths: [8, 8, 12, 8, 16, 12, 20, 24] },
    note: "3x16x16 is assumed",
    published: publishedVgg,
  },
  {
    what: "BoolNet's code, of narrow slices",
    name: "boolnet",
    options: { width: 8, depths: [2, 1, 3, 2], classes: 5, input: [3, 64, 64] },
    switches: { width: 8, depths: [2, 1, 3, 2], stem: "imagenet" },
    published: publishedBoolnet({ slices: 4 }),
  },
  {
    what: "BoolNet*, whose last stage is dilated",
    name: "boolnet-star",
    options: { width: 8, classes: 5, input: [3, 64, 64] },
    switches: { width: 8, stem: "imagenet" },
    published: publishedBoolnet({ slices: 4, dilated: [false, false, true] }),
  },
  {
    what: "BoolNet with real shortcuts and two dilated stages",
    name: "boolnet",
    options: {
      ...{ width: 4, classes: 3, input: [3, 64, 64], depths: [1, 2, 2, 1] },
      ...{ slices: 4, realShortcut: true, dilated: [false, true, true] },
    },
    switches: {
      ...{ width: 4, depths: [1, 2, 2, 1], stem: "imagenet" },
      ...{ realShortcut: true, dilated: [false, true, true] },
    },
    published: publishedBoolnet({ slices: 4, dilated: [false, true, true] }),
  },
  {
    what: "BaseNet's code",
    name: "basenet-k4",
    options: { width: 8, classes: 5, input: [3, 64, 64] },
    switches: { width: 8, stem: "imagenet" },
    published: publishedBoolnet({ slices: 4 }),
  },
  {
    what: "BaseNet of two slices",
    name: "basenet-k4",
    options: { width: 8, slices: 2, classes: 5, input: [3, 64, 64] },
    switches: { width: 8, slices: 2, stem: "imagenet" },
    published: publishedBoolnet({ slices: 2 }),
  },
  {
    what: "BaseNet of one",
    name: "basenet-k1",
    options: { width: 6, classes: 5, input: [3, 64, 64] },
    switches: { width: 6, stem: "imagenet" },
    published: publishedBoolnet({ slices: 1 }),
  },
];

describe.each(networks)("$what", ({ name, options, edit, told, switches, note, published }) => {
  const dict = weightsOf(name, options);
  edit?.(dict);
  const imported = () =>
    importCheckpoint(torchFile({ epoch: 255, state_dict: under("module.", dict) }), {
      input: options.input,
      ...told,
    });

  it("is recognised", async () => {
    const { report } = await imported();
    expect(report).toMatchObject({ arch: name, switches, form: "binary", binary: true });
    expect(Object.keys(report.switches).sort()).toEqual(Object.keys(switches).sort());
    expect(report).toMatchObject({ classes: options.classes, wrapper: ["state_dict"] });
    if (note) expect(report.notes.join("; ")).toContain(note);
  });

  it("computes what the published module does, packed and from signs alone too", async () => {
    const image = randomImages([1, ...options.input], 5);
    const expected = published(dict, image);
    const { model } = await imported();
    const graph = floatModelGraph(model);
    const run = { precision: 64 } as const;
    // Networks that have one take signs in inference whatever it is.
    const temperature = graph.inputs.some((input) => input.name === "temperature");
    const inputs = { x: image, ...(temperature && { temperature: 0.3 }) };
    const { logits } = evaluate(graph, inputs, model.tensors, run).outputs;
    expectClose(logits.data, expected, 1e-9, "float64");
    const signs = await importCheckpoint(checkpointOf(dict), {
      ...{ input: options.input, weights: "signs" },
      ...told,
    });
    for (const { tensors } of [model, signs.model]) {
      const packed = pack(graph, tensors);
      const program = prepareProgram(packed.program, packed.tensors);
      const actual = await program.run(channelsLast(image), 1);
      expectClose(actual.logits, expected, 2e-5, "packed");
    }
  });
});

describe("networks under another's name", () => {
  const dict = weightsOf("bireal-18", bireal);

  it("are refused with what does not fit", async () => {
    const as = (arch: string) => importCheckpoint(checkpointOf(dict), { arch });
    await expect(as("reactnet-18")).rejects.toThrow(/do not fit reactnet-18: .*move0\.bias/);
    await expect(as("bireal-34")).rejects.toThrow(/do not fit bireal-34: .*layer1\.2/);
    await expect(as("resnet-18")).rejects.toThrow(/do not fit resnet-18/);
  });

  it.each(["step1", "real"] as const)(
    "are refused where onebit says that they are of the form %s",
    async (form) => {
      const options = { ...bireal, form };
      const [height, width] = bireal.input.slice(1);
      const bytes = encodeFloatModel({
        architecture: { name: "bireal-18", options },
        tensors: weightsOf("bireal-18", options),
        labels: Array.from({ length: bireal.classes }, (_, i) => `class ${i}`),
        preprocess: {
          ...{ size: [height, width], channels: 3, resize: height, crop: "center" },
          ...{ interpolation: "bilinear", mean: [0, 0, 0], std: [1, 1, 1] },
        },
        card: {},
      });
      const read = (told?: ImportOptions) =>
        importCheckpoint(memoryBuffer(bytes, "net.safetensors"), told);
      await expect(read()).rejects.toThrow(
        `net.safetensors: a float model of onebit's of the form ${form}, read as one of the form binary`,
      );
      const { report } = await read({ form: "binary" });
      expect(report).toMatchObject({ arch: "bireal-18", binary: true });
    },
  );

  it("say what a misspelt key is nearest to", async () => {
    const file = checkpointOf(dict, (tensors) =>
      rename(tensors, /^layer1\.0\.bn1/, "layer1.0.bn_1"),
    );
    await expect(importCheckpoint(file)).rejects.toThrow("nearest: layer1.0.bn1.weight");
  });
});
