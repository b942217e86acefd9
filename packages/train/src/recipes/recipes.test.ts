import { readFile } from "node:fs/promises";
import { UsageError } from "onebit";
import { buildModel, models } from "onebit/models";
import { describe, expect, it } from "vitest";
import { resolveAugment } from "../data/augment/index.js";
import type { Dataset } from "../data/index.js";
import { groupOf, groupSettings } from "../optimisers/groups.js";
import { checkRecipe, divide } from "../run/check.js";
import { trainingPreprocess } from "../run/index.js";
import { learningRate, temperature } from "../schedules/index.js";
import {
  fitRecipe,
  overrideRecipe,
  parseOverrides,
  type Recipe,
  recipes,
  resolveRecipe,
} from "./index.js";

describe("recipes", () => {
  it.each(Object.values(recipes))("$name can be trained", (recipe) => {
    const { model, switches, form } = recipe;
    const built = buildModel(model, { ...switches, form, classes: 7, input: [3, 32, 32] });
    expect(built.outputs).toHaveProperty("logits");
    const { stepsPerEpoch } = divide(recipe, 50_000);
    expect(() => checkRecipe(recipe, stepsPerEpoch, 1e-7)).not.toThrow();
    for (const { overrides } of recipe.stages) {
      expect(() => checkRecipe(overrideRecipe(recipe, overrides), 10, 1e-7)).not.toThrow();
    }
    expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
  });

  it("overrides fields at any depth and leaves the rest", () => {
    const recipe = resolveRecipe("bnext-cifar", {
      epochs: 3,
      clip: null,
      microBatch: 32,
      schedule: { learningRate: 5e-4 },
      optimiser: { groups: [] },
      augment: { resizedCrop: { scale: [0.5, 1] } },
    });
    expect(recipe).toMatchObject({ epochs: 3, clip: null, microBatch: 32, batch: 128 });
    expect(recipe.schedule).toEqual({ ...recipes["bnext-cifar"].schedule, learningRate: 5e-4 });
    expect(recipe.optimiser.groups).toEqual([]);
    expect(recipe.optimiser.weightDecay).toBe(1e-3);
    expect(recipe.augment.resizedCrop).toEqual({ scale: [0.5, 1] });
    expect(recipes["bnext-cifar"].epochs).toBe(256);
    const switches = { widths: [16, 32] };
    expect(resolveRecipe("quickstart", { switches }).switches).toEqual(switches);
  });

  it("reads assignments", () => {
    const overrides = parseOverrides([
      "epochs=5",
      "schedule.kind=linear",
      "schedule.learningRate=1e-2",
      "clip=null",
      "augment.flip=true",
    ]);
    const recipe = resolveRecipe("plain", overrides);
    expect(recipe).toMatchObject({ epochs: 5, clip: null });
    expect(recipe.schedule).toMatchObject({ kind: "linear", learningRate: 0.01 });
    expect(recipe.augment.flip).toBe(true);
  });

  it.each([
    ["sgdr", {}, /unknown recipe "sgdr": There are quickstart, photographs, fashion-mnist/],
    ["quikstart", {}, /did you mean "quickstart"/],
    ["plain", { epoch: 3 }, /unknown field "epoch": did you mean "epochs"\? There are .*name, /],
    ["plain", { schedule: { lr: 1 } }, /unknown field "schedule.lr".*schedule.learningRate/],
    ["plain", { epochs: "ten" }, /epochs: "ten" is a string, a number is wanted \(now 20\)/],
    ["plain", { clip: "no" }, /clip: "no" is a string, a null or number is wanted/],
    ["plain", { augment: true }, /augment: true is a boolean, a group of fields is wanted/],
    ["plain", { augment: { mix: 1 } }, /augment: unknown augmentation "mix".*There are .*, mixup/],
    ["plain", { toString: 1 }, /unknown field "toString"/],
    [{ ...recipes.plain, epoch: 3 }, {}, /unknown field "epoch": did you mean "epochs"/],
    [
      { ...recipes.plain, schedule: { ...recipes.plain.schedule, lr: 1 } },
      {},
      /unknown field "schedule.lr"/,
    ],
    [
      { ...recipes.plain, stages: {} as never },
      {},
      /stages: {} is a group of fields, a list is wanted/,
    ],
    ["plain", { batch: Number.NaN }, /batch/],
  ])("refuses %s with %j", (name, overrides, message) => {
    const resolve = () => resolveRecipe(name, overrides as never);
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(UsageError);
  });

  it.each([
    ["epochs", /field=value/],
    ["=3", /field=value/],
    ["epochs.x=1", /unknown|number is wanted/],
    ["__proto__.polluted=1", /unknown field "__proto__"/],
  ])("refuses the assignment %s", (assignment, message) => {
    expect(() => resolveRecipe("plain", parseOverrides([assignment]))).toThrow(message);
    expect({}).not.toHaveProperty("polluted");
  });
});

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Of both articles' code, epoch by epoch; see their scripts. */
describe("the published values", () => {
  const rate = (name: string, epoch: number) => {
    const { schedule, epochs } = recipes[name];
    return learningRate(schedule, { step: epoch * 10, stepsPerEpoch: 10, epochs });
  };
  const decays = (recipe: Recipe, key: string, shape: readonly number[]) => {
    const { optimiser } = recipe;
    const init = { kind: "constant", value: 0 } as const;
    const spec = { shape, kind: "parameter", role: "other", init } as const;
    return groupSettings(groupOf(key, spec, optimiser), optimiser).weightDecay;
  };

  it.each([
    ["bnext-t", ["EfficientNet-B0"], ["EfficientNet-B2"]],
    ["bnext-s", ["EfficientNet-B0"], ["EfficientNet-B2"]],
    ["bnext-m", ["EfficientNet-B0", "EfficientNet-B2"], ["EfficientNet-B4"]],
    ["bnext-l", ["EfficientNet-B0", "EfficientNet-B4", "ConvNeXt-T"], ["ConvNeXt-T"]],
    ["bnext-18", ["EfficientNet-B0"], ["EfficientNet-B2"]],
  ])("of %s", (name, assistants, teachers) => {
    const recipe = recipes[name];
    expect(recipe).toMatchObject({
      ...{ model: name, epochs: 512, batch: 512, clip: 5, averageDecay: null, form: "binary" },
      ...{ optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } },
      ...{ loss: "gap-aware", teaching: { who: "all", assistants, teachers }, stages: [] },
    });
    expect(resolveAugment(recipe.augment)).toEqual({
      resizedCrop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: "bicubic" },
      flip: { probability: 0.5, vertical: 0 },
      randAugment: { policy: "rand-m7-mstd0.5-inc1", interpolation: "bicubic" },
    });
    expect([0, 1, 4, 5].map((epoch) => rate(name, epoch))).toEqual(
      [1e-5, 2.08e-4, 8.02e-4, 1e-3].map((value) => expect.closeTo(value, 12)),
    );
    expect(rate(name, 511)).toBeCloseTo(4.4e-7, 8);
    const cooled = (epoch: number) =>
      temperature(recipe.temperature, 1e-7, { step: 10 * epoch, stepsPerEpoch: 10, epochs: 512 });
    expect([cooled(152) >= 1e-7, cooled(153) < 1e-7]).toEqual([true, true]);
    expect(decays(recipe, "feature.1.FFN.move.bias", [1, 8, 1, 1])).toBe(1e-8);
    expect(decays(recipe, "feature.1.FFN.binary_conv.weight", [8, 8, 1, 1])).toBe(1e-8);
    expect(decays(recipe, "fc.weight", [10, 8])).toBe(1e-3);
    expect(decays(recipe, "feature.1.FFN.norm1.weight", [8])).toBe(1e-3);
  });

  it.each([
    ["reactnet", "reactnet-a", 256, 1.25e-3],
    ["reactnet-resnet", "reactnet-18", 512, 2.5e-3],
  ])("of %s", (name, model, batch, top) => {
    const recipe = recipes[name];
    expect(recipe).toMatchObject({
      ...{ model, batch, epochs: 128, clip: null, averageDecay: null, loss: "distribution" },
      ...{ optimiser: { kind: "adam", beta1: 0.9, beta2: 0.999 }, form: "binary" },
      teaching: { assistants: [], teachers: ["ResNet-34"] },
    });
    expect(resolveAugment(recipe.augment)).toEqual({
      resizedCrop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: "evaluation" },
      flip: { probability: 0.5, vertical: 0 },
      lighting: { std: 0.1 },
    });
    expect(rate(name, 0)).toBeCloseTo((top * 127) / 128, 12);
    expect(rate(name, 126)).toBeCloseTo(top / 128, 12);
    expect(rate(name, 127)).toBe(0);
    const [step1] = recipe.stages;
    const first = overrideRecipe(recipe, step1.overrides);
    expect(first).toMatchObject({ form: "step1", epochs: 128, loss: "distribution" });
    const conv = ["feature.1.binary_3x3.weight", [8, 8, 3, 3]] as const;
    expect([decays(first, ...conv), decays(recipe, ...conv)]).toEqual([1e-5, 0]);
    expect([decays(first, "fc.weight", [10, 8]), decays(recipe, "fc.weight", [10, 8])]).toEqual([
      0, 0,
    ]);
  });

  it("of real-to-binary: Adam, 75 epochs in three steps, rates and weights of the terms of Larq's code", () => {
    const recipe = recipes["real-to-binary"];
    const common = { epochs: 75, batch: 256, optimiser: { kind: "adam" } };
    expect(recipe).toMatchObject({ ...common, form: "binary", model: "real-to-binary" });
    expect(recipe.loss).toBe("cross-entropy + 0.8*distillation(temperature=1)");
    const rates = [5, 39, 40, 59, 60, 69, 70, 74].map((epoch) => rate("real-to-binary", epoch));
    const powers = [0, 0, 1, 1, 2, 2, 3, 3].map((passed) =>
      expect.closeTo(2e-4 * 0.3 ** passed, 12),
    );
    expect(rates).toEqual(powers);
    const earlier = recipe.stages.map(({ overrides }) => overrideRecipe(recipe, overrides));
    expect(earlier.map(({ form }) => form)).toEqual(["real", "step1"]);
    for (const stage of earlier) {
      expect(stage).toMatchObject({ ...common, schedule: { learningRate: 1e-3, factor: 0.3 } });
      expect(stage.loss.match(/30\*attention/g)).toHaveLength(4);
      expect(stage.loss).toContain("+ 3*distillation(temperature=1)");
    }
  });

  it("of meliusnet: RAdam at 0.002, half a cosine over 120 epochs", () => {
    expect(recipes.meliusnet).toMatchObject({
      ...{ model: "meliusnet-22", epochs: 120, loss: "cross-entropy", stages: [] },
      ...{ optimiser: { kind: "radam" }, schedule: { kind: "cosine", warmupEpochs: 0 } },
    });
    expect([rate("meliusnet", 0), rate("meliusnet", 60)]).toEqual([2e-3, expect.closeTo(1e-3, 12)]);
  });

  it.each([
    ["bnext-t", "bnext-t"],
    ["bnext-s", "bnext-s"],
    ["bnext-m", "bnext-m"],
    ["bnext-l", "bnext-l"],
    ["bnext-18", "bnext-18"],
    ["reactnet", "reactnet-a"],
    ["reactnet-resnet", "reactnet-18"],
    ["real-to-binary", "real-to-binary"],
    ["meliusnet", "meliusnet-22"],
  ])("%s is evaluated as the published %s", (name, model) => {
    const folder = { spec: "folder:x", channels: 3, side: 375, ...IMAGENET } as unknown as Dataset;
    const published = models[model].preprocess;
    expect(trainingPreprocess(folder, recipes[name])).toEqual(published);
    const alike = { ...folder, size: [256, 256], side: 256 } as Dataset;
    expect(trainingPreprocess(alike, recipes[name])).toEqual(published);
  });

  it("images that a format makes equally large are seen whole", () => {
    const cifar = { spec: "cifar:x", channels: 3, size: [32, 32], ...IMAGENET };
    const preprocess = trainingPreprocess(cifar as unknown as Dataset, recipes["bnext-t"]);
    expect(preprocess).toMatchObject({ size: [32, 32], resize: [32, 32], crop: "none" });
  });
});

it("the guide has a row for every recipe", async () => {
  const guide = await readFile(new URL("../../../../docs/training.md", import.meta.url), "utf8");
  const table = guide.split("| recipe | what |")[1].split("\n\n")[0];
  const rows = [...table.matchAll(/^\| ([^|]+) \|/gm)].map(([, names]) => names);
  const named = rows.flatMap((names) => [...names.matchAll(/`(.+?)`/g)].map(([, name]) => name));
  expect(named.toSorted()).toEqual(Object.keys(recipes).toSorted());
});

describe("a recipe follows the number of images", () => {
  const { photographs, plain } = recipes;
  const fitted = (recipe: Recipe, images: number) => {
    const { recipe: made, notes } = fitRecipe(recipe, images);
    const { batch, microBatch, epochs } = made;
    expect(() => divide(made, images)).not.toThrow();
    return { batch, microBatch, epochs, notes };
  };

  it.each([
    [64, 64, 32, 0],
    [63, 32, 16, 1],
    [31, 16, 8, 1],
    [15, 8, null, 1],
    [1, 1, null, 1],
  ])("%i images: batch %i in parts of %s", (images, batch, microBatch, notes) => {
    const made = fitted(plain, images);
    expect(made).toMatchObject({ batch, microBatch, epochs: 20 });
    expect(made.notes).toHaveLength(notes);
  });

  it.each([
    [48, 134],
    [400, 20],
    [10_000, 20],
    [5, 400],
  ])("%i photographs: %i epochs, some hundred steps at least", (images, epochs) => {
    expect(fitted({ ...photographs, fit: { batch: true, leastSteps: 400 } }, images)).toMatchObject(
      { epochs },
    );
  });

  it("but not where batch or epochs are given", () => {
    const epochs = resolveRecipe("photographs", { epochs: 3 });
    expect(fitted(epochs, 48)).toMatchObject({ epochs: 3 });
    const batch = resolveRecipe("plain", { batch: 64 });
    expect(fitRecipe(batch, 48).recipe.batch).toBe(64);
    expect(fitted(resolveRecipe("plain", { batch: 64, fit: { batch: true } }), 48).batch).toBe(32);
  });

  it("to the same when it has been fitted before", () => {
    const { recipe } = fitRecipe(recipes.photographs, 11);
    expect(fitRecipe(recipe, 11)).toEqual({ recipe, notes: [] });
  });
});

describe("dividing images into steps", () => {
  const recipe = { ...recipes.plain, batch: 64, microBatch: 16 };

  it("counts steps, micro-batches and dropped images", () => {
    expect(divide(recipe, 1000)).toEqual({
      ...{ microBatch: 16, microBatchesPerStep: 4, stepsPerEpoch: 15, dropped: 40 },
    });
  });

  it("refuses what cannot work", () => {
    expect(() => divide({ ...recipe, microBatch: 48 }, 1000)).toThrow(
      /48 does not divide batch 64/,
    );
    expect(() => divide(recipe, 63)).toThrow(/63 training images cannot fill one batch of 64/);
    expect(() => divide({ ...recipe, batch: 0 }, 63)).toThrow(/batch is 0/);
    expect(() => checkRecipe({ ...recipe, epochs: 0 }, 1, undefined)).toThrow(/epochs is 0/);
    expect(() => checkRecipe({ ...recipe, clip: -1 }, 1, undefined)).toThrow(/clip is -1/);
    const evaluation = { crop: 1.2, interpolation: "bicubic" } as const;
    expect(() => checkRecipe({ ...recipe, evaluation }, 1, undefined)).toThrow(
      /evaluation.crop is 1.2/,
    );
    const teaching = { who: "nobody" as "all", assistants: [], teachers: [] };
    expect(() => checkRecipe({ ...recipe, teaching }, 1, undefined)).toThrow(
      /teaching.who is "nobody", must be all or assistants or teachers/,
    );
    const temperature = { kind: "paper", binaryAt: 0.3, decay: 0.9 } as const;
    expect(() => checkRecipe({ ...recipe, temperature }, 1, 1e-7)).toThrow(/not end binary/);
    expect(() => checkRecipe({ ...recipe, temperature }, 1, undefined)).not.toThrow();
  });
});
