import fc from "fast-check";
import { OnebitError, UsageError } from "onebit";
import { evaluate, type Tensor } from "onebit/graph";
import {
  buildModel,
  floatModelGraph,
  type ModelOptions,
  models,
  scalarInputs,
} from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { comparePacked } from "../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { type ImportOptions, importCheckpoint } from "./import-checkpoint.js";
import type { PreprocessOverrides } from "./preprocess.js";
import { checkpointOf, poke, rename, type Tensors, weightsOf } from "./test-support/checkpoints.js";

const small = { classes: 4, input: [3, 32, 32] } as const;
const bnext = { ...small, widths: [8, 16, 16] };

const importNet = (tensors: Tensors, edit?: (tensors: Tensors) => void, options?: ImportOptions) =>
  importCheckpoint(checkpointOf(tensors, edit), options);

function logits(
  graph: ReturnType<typeof buildModel>,
  tensors: { readonly [key: string]: Tensor },
): readonly number[] {
  const feeds = { x: randomImages(graph.inputs[0].shape, 5), ...scalarInputs(graph, tensors) };
  return [...evaluate(graph, feeds, tensors).outputs.logits.data];
}

const networks: {
  what: string;
  name: string;
  options: Partial<ModelOptions>;
  told?: ImportOptions;
}[] = [
  { what: "BNext", name: "bnext", options: bnext },
  { what: "no ELM", name: "bnext", options: { ...bnext, elm: false } },
  { what: "no Info-RCP", name: "bnext", options: { ...bnext, gate: "none" } },
  { what: "neither", name: "bnext", options: { ...bnext, gate: "none", elm: false } },
  { what: "Real-to-Binary's gate", name: "bnext", options: { ...bnext, gate: "input" } },
  { what: "another reduction", name: "bnext", options: { ...bnext, seReduction: 4 } },
  {
    what: "a strided stem",
    name: "bnext",
    options: { ...bnext, stemStride: 2 },
    told: { stemStride: 2 },
  },
  { what: "BNext, step 1", name: "bnext", options: { ...bnext, form: "step1" } },
  { what: "BNext, real", name: "bnext", options: { ...bnext, form: "real" } },
  {
    what: "grey BNext-18",
    name: "bnext-18",
    options: { classes: 3, width: 8, depths: [1, 2, 1, 1], input: [1, 32, 32] },
  },
  {
    what: "BNext-18 with ImageNet's stem, no Info-RCP",
    name: "bnext-18",
    options: { ...small, width: 8, stem: "imagenet", gate: "none" },
    told: { input: [3, 32, 32] },
  },
  { what: "ReActNet-A", name: "reactnet", options: { ...small, widths: [6, 12, 12, 24] } },
  {
    what: "ReActNet-A, step 1",
    name: "reactnet",
    options: { ...small, widths: [6, 12, 12], form: "step1" },
    told: { form: "step1" },
  },
  {
    what: "ReActNet on a ResNet of other depths",
    name: "reactnet-18",
    options: { ...small, width: 6, depths: [1, 2, 1, 1], stem: "small" },
    told: { form: "binary" },
  },
];

describe.each(networks)("$what", ({ name, options, told }) => {
  const graph = buildModel(name, options);
  const tensors = weightsOf(name, options);

  it("computes what it did before", async () => {
    const { model, report } = await importNet(tensors, undefined, told);
    expect(logits(floatModelGraph(model), model.tensors)).toEqual(logits(graph, tensors));
    expect(report.binary).toBe((options.form ?? "binary") === "binary");
    expect(report.classes).toBe(options.classes);
    expect(report.tensors.map(({ key }) => key)).toEqual(Object.keys(graph.tensors));
  });

  it("packs from signs alone to what the graph computes", async () => {
    const { model } = await importNet(tensors, undefined, { ...told, weights: "signs" });
    const image = randomImages(graph.inputs[0].shape, 6);
    const compared = comparePacked(graph, tensors, pack(graph, model.tensors), image);
    expect(compared.margin).toBeGreaterThan(1e-7);
    expect(compared).toMatchObject({ differentBits: 0, uncovered: [] });
    expect(compared.error).toBeLessThan(1e-5);
  });
});

describe("1-bit weights of ReActNet", () => {
  const options = { ...small, widths: [6, 12] };
  const tensors = weightsOf("reactnet", options);
  const flat = (key: string) => tensors[`${key}.weights`].data;

  it("may be 4-D where the form is told, as AdamBNN's are", async () => {
    const shapes = weightsOf("reactnet", { ...options, form: "step1" });
    const { model } = await importNet(
      tensors,
      (edited) => {
        rename(edited, /(binary_\w+)\.weights$/, "$1.weight");
        for (const [key, { shape }] of Object.entries(shapes)) {
          edited[key] = { shape, data: edited[key].data };
        }
      },
      { form: "binary" },
    );
    expect(model.tensors["feature.1.binary_3x3.weights"]).toEqual({
      shape: [324, 1],
      data: flat("feature.1.binary_3x3"),
    });
  });

  it("may be flat on ResNets, as before October 2020", async () => {
    const resnet = { ...small, width: 4, depths: [1, 1, 1, 1], stem: "small" } as const;
    const four = weightsOf("reactnet-18", resnet);
    const { model, report } = await importNet(four, (edited) => {
      rename(edited, /binary_conv\.weight$/, "binary_conv.weights");
      for (const key of Object.keys(edited)) {
        const { data } = edited[key];
        if (key.endsWith(".weights")) edited[key] = { shape: [data.length, 1], data };
      }
    });
    expect(model.tensors["layer1.0.binary_conv.weight"]).toEqual(
      four["layer1.0.binary_conv.weight"],
    );
    expect(report.notes.join()).not.toMatch(/both/);
  });

  it("of another shape are refused", async () => {
    const key = "feature.1.binary_3x3.weights";
    const wrong = importNet(tensors, (edited) => {
      edited[key] = { shape: [162, 2], data: flat("feature.1.binary_3x3") };
    });
    await expect(wrong).rejects.toThrow(`1 of another shape: ${key} is [162,2], must be [324,1]`);
  });
});

describe("the temperature", () => {
  const tensors = weightsOf("bnext", bnext);
  const at =
    (value: number, which = /temperature$/) =>
    (edited: Tensors) => {
      for (const key of Object.keys(edited)) if (which.test(key)) poke(edited, key, value);
    };

  it("above the threshold leaves a float model, which says when it would be binary", async () => {
    const { model, report } = await importNet(tensors, at(0.9 ** 100));
    expect(report).toMatchObject({ binary: false, form: "binary" });
    expect(report.temperature).toMatchObject({ epoch: 100, binaryEpoch: 153, threshold: 1e-7 });
    expect(report.notes.join()).toMatch(/not binary yet.*stands at epoch 100 .* from epoch 153/);
    const graph = floatModelGraph(model);
    expect(() => pack(graph, model.tensors)).toThrow(/not binary yet.*epoch 153/);
    const signs = importNet(tensors, at(0.9 ** 100), { weights: "signs" });
    await expect(signs).rejects.toThrow(/net\.pth: its weights are not binary yet.*float model/);
    const soft = { ...tensors };
    at(0.9 ** 100)(soft);
    expect(logits(graph, model.tensors)).toEqual(logits(buildModel("bnext", bnext), soft));
  });

  it.each([
    ["bnext", bnext, 0.9 ** 152, 0.9 ** 153],
    ["bnext-18", { ...small, width: 8 }, 0.9 ** 109, 0.9 ** 110],
  ])("of %s is low enough one epoch later", async (name, options, soft, hard) => {
    const weights = weightsOf(name, options);
    expect((await importNet(weights, at(soft))).report.binary).toBe(false);
    expect((await importNet(weights, at(hard))).report.binary).toBe(true);
  });

  it("of activations decides nothing", async () => {
    const { model, report } = await importNet(tensors, at(1, /binary_activation\.temperature$/));
    expect(report.binary).toBe(true);
    expect(() => pack(floatModelGraph(model), model.tensors)).not.toThrow();
  });

  it("must be one, and a number", async () => {
    const one = /feature\.1\.FFN_1\.binary_conv\.temperature$/;
    await expect(importNet(tensors, at(0.5, one))).rejects.toThrow(/range from 0 to 0\.5/);
    expect((await importNet(tensors, at(1e-9, one))).report.binary).toBe(true);
    await expect(importNet(tensors, at(-1))).rejects.toThrow(/temperature is -1, no temperature/);
    await expect(importNet(tensors, at(Number.NaN))).rejects.toThrow(/is NaN, no temperature/);
  });
});

describe("preprocessing and labels", () => {
  it("are the family's for its published size", async () => {
    for (const [name, options] of [
      ["bnext", { widths: [2, 2] }],
      ["reactnet", { widths: [2, 2] }],
    ] as const) {
      const { model, report } = await importNet(weightsOf(name, options));
      expect(model.preprocess).toEqual(models[name].preprocess);
      expect(model.labels.slice(0, 3)).toEqual(["tench", "goldfish", "great white shark"]);
      expect(model.labels).toHaveLength(1000);
      expect(report.notes).toEqual([
        "weights do not tell the input size: 3x224x224 is assumed",
        "weights do not tell the stride of the stem: 2 is assumed",
        "1000 classes: ImageNet's names are assumed; --labels gives others",
      ]);
    }
  });

  it("of 10 classes are CIFAR's, unless given", async () => {
    const tensors = weightsOf("bnext", { ...bnext, classes: 10 });
    const { model } = await importNet(tensors);
    expect(model.preprocess).toMatchObject({
      ...{ size: [32, 32], resize: 32, crop: "center", interpolation: "bicubic" },
      ...{ mean: [0.507, 0.487, 0.441], std: [0.267, 0.256, 0.276] },
    });
    const labels = Array.from("abcdefghij");
    const preprocess = { resize: 72, mean: [0, 0, 0], std: [1, 1, 1] };
    const told: ImportOptions = { input: [3, 64, 64], labels, preprocess };
    const { model: other, report } = await importNet(tensors, undefined, told);
    expect(other.labels).toEqual(labels);
    expect(other.preprocess).toMatchObject({ size: [64, 64], crop: "center", ...preprocess });
    expect(floatModelGraph(other).inputs[0].shape).toEqual([1, 3, 64, 64]);
    expect(report.notes.join()).not.toMatch(/input size/);
  });

  it("decide each other where only some are given", async () => {
    const preprocess = async (overrides: PreprocessOverrides) =>
      (await importNet(weightsOf("bnext", bnext), undefined, { preprocess: overrides })).model
        .preprocess;
    const stretched = { resize: [32, 32], crop: "none" };
    expect(await preprocess({ crop: "none" })).toMatchObject(stretched);
    expect(await preprocess({ size: [16, 24] })).toMatchObject({
      ...{ size: [16, 24], resize: [16, 24], crop: "none" },
    });
    expect(await preprocess({ size: [16, 24], resize: 30 })).toMatchObject({ crop: "center" });
  });

  it("are refused where they do not fit", async () => {
    const halving = weightsOf("bnext", { ...bnext, widths: [8, 16, 32] });
    const odd = importNet(halving, undefined, { input: [3, 31, 31] });
    await expect(odd).rejects.toThrow(/31x31 map cannot be halved/);
    const refusal = (options: ImportOptions) =>
      importNet(weightsOf("bnext", bnext), undefined, options);
    await expect(refusal({ labels: ["a"] })).rejects.toThrow(/1 label for 4 classes/);
    await expect(refusal({ labels: ["a"] })).rejects.toThrow(UsageError);
    await expect(refusal({ preprocess: { std: [0, 1, 1] } })).rejects.toThrow(
      /std: must be 3 numbers/,
    );
    const other = { input: [3, 48, 48], preprocess: { size: [32, 32] } } as const;
    await expect(refusal(other as ImportOptions)).rejects.toThrow(/32x32 for an input of 3x48x48/);
    await expect(refusal({ input: [1, 32, 32] })).rejects.toThrow(/feature\.0\.conv1\.weight is/);
    await expect(refusal({ stemStride: 3 as 2 })).rejects.toThrow(/stemStride is 3/);
    await expect(refusal({ arch: "bnext-x" })).rejects.toThrow(/did you mean "bnext-/);
  });
});

describe("refused", () => {
  const tensors = weightsOf("bnext", bnext);
  const conv = "feature.1.FFN_1.binary_conv.weight";
  const refusal = async (edit: (tensors: Tensors) => void) => {
    const error = await importNet(tensors, edit).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OnebitError);
    return (error as Error).message;
  };

  it("missing and unexpected tensors, with the nearest names", async () => {
    const message = await refusal((edited) => {
      rename(edited, /^feature\.2\.Attention\.norm1\.bias$/, "feature.2.Attention.norm1.beta");
      delete edited["prelu.weight"];
    });
    expect(message).toBe(
      "some/folder/net.pth: the tensors do not fit bnext: " +
        "2 missing: feature.2.Attention.norm1.bias (nearest: feature.2.Attention.norm1.beta), prelu.weight; " +
        "1 unexpected: feature.2.Attention.norm1.beta (nearest: feature.2.Attention.norm1.bias)",
    );
  });

  it("long lists, in part", async () => {
    const message = await refusal((edited) => rename(edited, /^(.*)\.norm2\./, "$1.bn2."));
    expect(message).toMatch(/20 missing: .*, and 12 more; 25 unexpected: /);
    expect(message.length).toBeLessThan(2000);
  });

  it("a shape that does not follow from the others", async () => {
    const message = await refusal((edited) => {
      edited["feature.1.FFN_2.move.bias"] = { shape: [1, 4, 1, 1], data: new Float32Array(4) };
    });
    expect(message).toMatch(
      /1 of another shape: feature\.1\.FFN_2\.move\.bias is \[1,4,1,1\], must/,
    );
  });

  it("NaN and infinities, with their number", async () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    expect(await refusal((edited) => poke(edited, conv, nan, 1, infinity, nan))).toMatch(
      /^some\/folder\/net\.pth: feature\.1\.FFN_1\.binary_conv\.weight: 2 of 64 values are NaN and 1 infinite/,
    );
  });

  it("a variance below 0", async () => {
    const key = "feature.0.bn1.running_var";
    expect(await refusal((edited) => poke(edited, key, -1))).toMatch(
      /1 of 8 variances are below 0/,
    );
  });

  it("a network without a head, or none at all", async () => {
    expect(await refusal((edited) => delete edited["fc.weight"])).toMatch(
      /fc\.weight is missing, which says how many classes/,
    );
    const all = (edited: Tensors) => rename(edited, /^/, "x");
    expect(await refusal(all)).toMatch(/^some\/folder\/net\.pth: the network is not recognised/);
  });
});

describe("1-bit weights that are exactly 0", () => {
  const tensors = weightsOf("bnext", bnext);
  const conv = "feature.1.FFN_1.binary_conv.weight";
  const zero = (edited: Tensors) => poke(edited, conv, 0, -0, 1);

  it("are refused, named and counted", async () => {
    await expect(importNet(tensors, zero)).rejects.toThrow(
      /feature\.1\.FFN_1\.binary_conv\.weight: 2 of 64 weights are exactly 0/,
    );
  });

  it.each([1, -1] as const)("count as %i when told", async (zeroWeights) => {
    const edited = { ...tensors };
    poke(edited, conv, zeroWeights, zeroWeights, 1);
    const expected = pack(buildModel("bnext", bnext), edited);
    for (const weights of ["latent", "signs"] as const) {
      const { model } = await importNet(tensors, zero, { zeroWeights, weights });
      const graph = floatModelGraph(model);
      expect(pack(graph, model.tensors).tensors).toEqual(expected.tensors);
      expect(logits(graph, model.tensors)).toEqual(logits(graph, edited));
    }
  });

  it("may be 0 as long as weights are real", async () => {
    const step1 = weightsOf("bnext", { ...bnext, form: "step1" });
    expect((await importNet(step1, zero)).report.form).toBe("step1");
    const soft = (edited: Tensors) => {
      zero(edited);
      for (const key of Object.keys(edited)) if (/temperature$/.test(key)) poke(edited, key, 1);
    };
    expect((await importNet(tensors, soft)).report.binary).toBe(false);
  });
});

it("refuses any other edit of names and shapes with an OnebitError", async () => {
  const tensors = weightsOf("bnext-18", { ...small, width: 2, depths: [1, 1, 1, 1] });
  const keys = Object.keys(tensors);
  const key = fc.constantFrom(...keys);
  const edit = fc.oneof(
    fc.record({ kind: fc.constant("drop"), key }),
    fc.record({ kind: fc.constant("rename"), key, to: fc.oneof(key, fc.string()) }),
    fc.record({
      kind: fc.constant("reshape"),
      key,
      shape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 5 }),
    }),
  );
  const property = fc.asyncProperty(
    fc.array(edit, { minLength: 1, maxLength: 4 }),
    async (edits) => {
      const outcome = await importNet(tensors, (edited) => {
        for (const one of edits) {
          const { [one.key]: tensor } = edited;
          if (!tensor) continue;
          delete edited[one.key];
          if ("to" in one) edited[one.to] = tensor;
          if ("shape" in one) {
            const length = one.shape.reduce((product, side) => product * side, 1);
            edited[one.key] = { shape: one.shape, data: new Float32Array(length).fill(0.5) };
          }
        }
      }).then(
        ({ report }) => {
          const found = new Set(report.tensors.map((tensor) => tensor.key));
          const absent = keys.filter((name) => !found.has(name));
          expect(absent.filter((name) => !name.endsWith(".num_batches_tracked"))).toEqual([]);
        },
        (error: unknown) => error,
      );
      if (outcome !== undefined) expect(outcome).toBeInstanceOf(OnebitError);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
