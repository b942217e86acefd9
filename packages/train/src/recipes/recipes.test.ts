import { UsageError } from "onebit";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { checkRecipe, divide } from "../run/check.js";
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
    ["plain", { epoch: 3 }, /unknown field "epoch": did you mean "epochs"\? There are name, /],
    ["plain", { schedule: { lr: 1 } }, /unknown field "schedule.lr".*schedule.learningRate/],
    ["plain", { epochs: "ten" }, /epochs: "ten" is a string, a number is wanted \(now 20\)/],
    ["plain", { clip: "no" }, /clip: "no" is a string, a null or number is wanted/],
    ["plain", { augment: true }, /augment: true is a boolean, a group of fields is wanted/],
    ["plain", { augment: { mix: 1 } }, /augment: unknown augmentation "mix".*There are .*, mixup/],
    ["plain", { toString: 1 }, /unknown field "toString"/],
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
    const temperature = { kind: "paper", binaryAt: 0.3, decay: 0.9 } as const;
    expect(() => checkRecipe({ ...recipe, temperature }, 1, 1e-7)).toThrow(/not end binary/);
    expect(() => checkRecipe({ ...recipe, temperature }, 1, undefined)).not.toThrow();
  });
});
