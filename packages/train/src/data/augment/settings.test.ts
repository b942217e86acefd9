import { readFile } from "node:fs/promises";
import { UsageError } from "onebit";
import { describe, expect, it } from "vitest";
import { parseOverrides, recipes, resolveRecipe } from "../../recipes/index.js";
import { AUGMENTATIONS } from "./catalogue.js";
import { type AugmentOptions, overrideAugment, resolveAugment } from "./settings.js";

describe("what a recipe says of augmentation", () => {
  it("is off, usual, a value, or options", () => {
    const usual = { probability: 0.5, vertical: 0 };
    expect(resolveAugment({ flip: false, pad: 0 })).toEqual({});
    expect(resolveAugment({ flip: true })).toEqual({ flip: usual });
    expect(resolveAugment({ flip: 0.2 })).toEqual({ flip: { ...usual, probability: 0.2 } });
    expect(resolveAugment({ flip: { vertical: 1 } })).toEqual({ flip: { ...usual, vertical: 1 } });
    expect(resolveAugment({ resizedCrop: [0.5, 1] })).toMatchObject({
      resizedCrop: { scale: [0.5, 1], ratio: [3 / 4, 4 / 3] },
    });
    const once = resolveAugment({ colour: 0.3, randAugment: "rand-m7-mstd0.5-inc1" });
    expect(once).toMatchObject({ colour: { brightness: 0.3, saturation: 0.3, hue: 0 } });
    expect(resolveAugment(once)).toEqual(once);
  });

  it("is overridden option by option", () => {
    const base = { flip: 0.2, pad: 4 };
    const changed = overrideAugment(base, { flip: { vertical: 0.1 }, mixup: { alpha: 0.2 } });
    expect(resolveAugment(changed)).toEqual({
      flip: { probability: 0.2, vertical: 0.1 },
      pad: { pixels: 4 },
      mixup: { alpha: 0.2, probability: 1 },
    });
    expect(resolveAugment(overrideAugment(changed, { flip: false, pad: 2, mixup: true }))).toEqual({
      pad: { pixels: 2 },
      mixup: { alpha: 0.8, probability: 1 },
    });
  });

  it("comes from the command line", () => {
    const set = parseOverrides([
      "augment.cutmix=1",
      "augment.randAugment=rand-m7-mstd0.5-inc1",
      "augment.erase.mode=pixel",
      "augment.resizedCrop.interpolation=bicubic",
      "augment.flip=false",
    ]);
    expect(resolveAugment(resolveRecipe("photographs", set).augment)).toMatchObject({
      cutmix: { alpha: 1 },
      randAugment: { policy: "rand-m7-mstd0.5-inc1" },
      erase: { mode: "pixel", probability: 0.25 },
      resizedCrop: { scale: [0.35, 1], interpolation: "bicubic" },
    });
    expect(resolveAugment(resolveRecipe("photographs", set).augment)).not.toHaveProperty("flip");
  });

  it.each<[AugmentOptions, string]>([
    [
      { mixpu: 1 },
      'augment: unknown augmentation "mixpu": did you mean "mixup"? There are resized',
    ],
    [{ toString: 1 } as never, 'augment: unknown augmentation "toString"'],
    [{ flip: 2 }, "augment.flip.probability: 2 must be a number from 0 to 1"],
    [{ flip: "often" }, 'augment.flip.probability: "often" must be a number'],
    [{ flip: Number.NaN }, "augment.flip.probability"],
    [{ flip: null as never }, "augment.flip.probability: null must be"],
    [{ flip: { horizontal: 1 } }, 'augment.flip: unknown option "horizontal"'],
    [{ flip: { verticl: 1 } }, 'did you mean "vertical"? There are probability, vertical'],
    [{ pad: 1.5 }, "augment.pad.pixels: 1.5 must be a whole number from 0 to 1024"],
    [{ resizedCrop: { scale: [1, 0.5] } }, "augment.resizedCrop.scale: [1,0.5] must be [from, to]"],
    [{ resizedCrop: { interpolation: "cubic" } }, "one of evaluation, bilinear, bicubic, random"],
    [{ erase: { mode: "noise" } }, 'augment.erase.mode: "noise" must be one of const, rand, pixel'],
    [{ mixup: { alpha: -1 } }, "augment.mixup.alpha: -1 must be a number from 0.001 to 1000"],
    [{ randAugment: 7 }, 'augment.randAugment.policy: 7 must be a policy such as "rand-m7'],
    [{ randAugment: "rand-q7" }, 'augment.randAugment.policy: "rand-q7", character 6: unknown sec'],
  ])("is refused: %j", (augment, message) => {
    for (const refuse of [() => resolveAugment(augment), () => overrideAugment({}, augment)]) {
      expect(refuse).toThrow(UsageError);
      expect(refuse).toThrow(message);
    }
  });

  it("is fine in every recipe", () => {
    for (const { augment, stages } of Object.values(recipes)) {
      for (const one of [augment, ...stages.map(({ overrides }) => overrides.augment ?? {})]) {
        expect(() => resolveAugment(one)).not.toThrow();
      }
    }
  });

  it("has usual options that are allowed, and words for lists", () => {
    for (const { name, description, source, options, bare } of AUGMENTATIONS) {
      expect(bare.length, name).toBeGreaterThan(0);
      for (const option of bare) expect(options, name).toHaveProperty(option);
      for (const { usual, problem } of Object.values(options)) {
        // There is no usual code of one's own.
        if (name !== "own") expect(problem(usual), name).toBeUndefined();
      }
      expect([description, source].every((text) => text.length > 4)).toBe(true);
    }
  });
});

it("the documentation has a row for every augmentation, with its options and usual values, in order", async () => {
  const page = await readFile(new URL("../../../../../docs/training.md", import.meta.url), "utf8");
  const short = (value: unknown) =>
    typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
  const places = AUGMENTATIONS.map(({ name, options }) => {
    const usual = Object.entries(options).map(([option, { usual }]) => {
      return `${option}=${Array.isArray(usual) ? usual.map(short).join("..") : short(usual)}`;
    });
    const row = `\n| \`${name}(${usual.join(", ")})\` |`;
    expect(page).toContain(row);
    return page.indexOf(row);
  });
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});
