import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "onebit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { studies } from "./catalogue.js";
import { checkStudy } from "./check.js";
import { readStudy } from "./read.js";
import { recipeOf } from "./recipe-of.js";
import type { Study } from "./study.js";

const study: Study = {
  ...{ name: "width", question: "Does width help?", data: "glyphs", validation: 0.1 },
  ...{ recipe: "plain", model: "bnext", switches: { stemStride: 2 }, seeds: 3 },
  overrides: { epochs: 2, schedule: { learningRate: 0.01 } },
  variants: [
    { name: "narrow", switches: { widths: [4, 8] } },
    { name: "wide", switches: { widths: [8, 16] }, overrides: { schedule: { warmupEpochs: 1 } } },
    { name: "float", model: "linear", overrides: { form: "real" }, seeds: 1 },
  ],
  compare: { baseline: "narrow" },
  measures: ["test.top1"],
};

const [narrow, wide, float] = study.variants;
const withSecond = (second: object) => ({ ...study, variants: [narrow, second, float] });

describe("a study", () => {
  it("is what was written", () => {
    expect(checkStudy(JSON.parse(JSON.stringify(study)))).toEqual(study);
  });

  it.each(["studies", "training", "research"])("is what docs/%s.md shows", async (page) => {
    const url = new URL(`../../../../docs/${page}.md`, import.meta.url);
    const listings = (await readFile(url, "utf8")).matchAll(/^```json\n([\s\S]*?)^```$/gm);
    const written = [...listings]
      .map(([, text]) => text)
      .filter((text) => text.includes("variants"));
    expect(written).toHaveLength(1);
    expect(checkStudy(JSON.parse(written[0]))).toBeDefined();
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "is missing: a group of fields is wanted"],
    ["a list", [], "is []: a group of fields is wanted"],
    ["a function", () => study, "the study is a function: a group of fields is wanted"],
    ["an unknown field", { ...study, seed: 3 }, 'unknown field "seed": did you mean "seeds"?'],
    ["no question", { ...study, question: undefined }, "question is missing: a text is wanted"],
    ["no seeds", { ...study, seeds: 0 }, "seeds is 0: a positive whole number is wanted"],
    ["a slip of seeds", { ...study, seeds: 1e6 }, "seeds is 1000000: a whole number up to 10000"],
    ["no validation", { ...study, validation: 1 }, "validation is 1: a share above 0 and below 1"],
    ["an unknown recipe", { ...study, recipe: "plane" }, 'recipe: unknown recipe "plane": did you'],
    [
      "a name that is no folder's",
      withSecond({ name: "a/b" }),
      'variants[1].name is "a/b": a name of letters',
    ],
    [
      "two variants of one name",
      withSecond({ name: "narrow" }),
      'variants[1].name: there are two variants "narrow"',
    ],
    [
      "an unknown field of a variant",
      withSecond({ ...wide, override: {} }),
      'variants[1]: unknown field "override": did you mean "overrides"?',
    ],
    [
      "an unknown field of a recipe",
      withSecond({ ...wide, overrides: { epoch: 3 } }),
      'variants[1].overrides: unknown field "epoch": did you mean "epochs"?',
    ],
    [
      "a value of another kind",
      withSecond({ ...wide, overrides: { schedule: { learningRate: "high" } } }),
      'variants[1].overrides: schedule.learningRate: "high" is a string, a number is wanted',
    ],
    [
      "an unknown loss",
      withSecond({ ...wide, overrides: { loss: "hinge" } }),
      "variants[1]: loss: ",
    ],
    [
      "switches among the overrides",
      withSecond({ ...wide, overrides: { switches: {} } }),
      "variants[1].overrides.switches: write it as variants[1].switches",
    ],
    [
      "an unknown variant to compare with",
      { ...study, compare: { baseline: "narow" } },
      'compare: unknown variant "narow": did you mean "narrow"?',
    ],
    [
      "half a pair",
      { ...study, compare: { pairs: [["narrow"]] } },
      'compare.pairs[0] is ["narrow"]: a pair of names is wanted',
    ],
    [
      "a variant compared with itself",
      { ...study, compare: { pairs: [["wide", "wide"]] } },
      'compare.pairs[0]: compares "wide" with itself',
    ],
    [
      "a pair twice",
      {
        ...study,
        compare: {
          pairs: [
            ["narrow", "wide"],
            ["narrow", "wide"],
          ],
        },
      },
      'compare.pairs[1]: ["narrow","wide"] is there already',
    ],
    [
      "a measure twice",
      { ...study, measures: ["gap", "gap"] },
      'measures[1]: "gap" is there already',
    ],
    [
      "names that are one folder",
      withSecond({ ...wide, name: "Narrow" }),
      'variants[1].name: there are two variants "Narrow" (and "narrow", one folder on some systems)',
    ],
    [
      "an unknown measure",
      { ...study, measures: ["top1"] },
      'measures[0]: unknown measure "top1": There are test.top1',
    ],
    [
      "an unknown teacher",
      withSecond({ ...wide, teachers: [{ variant: "flaot" }] }),
      'variants[1].teachers[0].variant: unknown variant "flaot": did you mean "float"?',
    ],
    [
      "a teacher of fewer seeds",
      withSecond({ ...wide, teachers: [{ variant: "float" }] }),
      "variants[1].teachers[0]: float is not trained with seed 2: say which of its seeds teaches",
    ],
    [
      "what nobody knows of a teacher's file",
      withSecond({ ...wide, teachers: [{ path: "a.onnx", onnx: { mean: [0.5] } }] }),
      'variants[1].teachers[0].onnx: unknown field "mean": There are layout, size, output',
    ],
    [
      "itself as a teacher",
      withSecond({ ...wide, teachers: [{ variant: "wide" }] }),
      "variants[1].teachers[0]: wide learns from wide itself",
    ],
  ])("with %s is refused, with its place", (_, value, message) => {
    expect(() => checkStudy(value)).toThrow(UsageError);
    expect(() => checkStudy(value)).toThrow(message);
  });

  it("refuses teachers that learn from their students", () => {
    const circle = withSecond({ ...wide, teachers: [{ variant: "narrow" }] });
    const variants = [
      { ...narrow, assistants: [{ variant: "wide" }] },
      ...circle.variants.slice(1),
    ];
    expect(() => checkStudy({ ...circle, variants })).toThrow(/wide learns from narrow itself/);
  });
});

describe("a variant's recipe", () => {
  it("has what the study and then the variant change", () => {
    const recipe = recipeOf(study, wide, { set: ["epochs=5"] });
    expect(recipe).toMatchObject({ name: "plain", epochs: 5, model: "bnext" });
    expect(recipe.schedule).toMatchObject({ learningRate: 0.01, warmupEpochs: 1 });
    expect(recipe.switches).toEqual({ stemStride: 2, widths: [8, 16] });
  });

  it("of another network has none of the study's switches", () => {
    expect(recipeOf(study, float)).toMatchObject({ model: "linear", switches: {}, form: "real" });
  });
});

describe("studies", () => {
  it.each(Object.values(studies))("$name is one", (own) => {
    expect(checkStudy(JSON.parse(JSON.stringify(own)))).toEqual(own);
    expect(own.seeds).toBeGreaterThanOrEqual(3);
  });
});

describe("readStudy", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-study-"));
    await writeFile(join(folder, "width.json"), JSON.stringify(study));
    await writeFile(join(folder, "width.mjs"), `export default ${JSON.stringify(study)};`);
    await writeFile(join(folder, "width.ts"), `const a: object = {}; export default a;`);
    await writeFile(join(folder, "none.mjs"), "export const study = {};");
    await writeFile(join(folder, "broken.mjs"), "export default {");
    await writeFile(join(folder, "half.json"), "{");
    await writeFile(join(folder, "odd.json"), JSON.stringify({ ...study, seed: 1 }));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("takes JSON, modules and names", async () => {
    expect(await readStudy(join(folder, "width.json"))).toEqual(study);
    expect(await readStudy(join(folder, "width.mjs"))).toEqual(study);
    expect(await readStudy("reactnet")).toBe(studies.reactnet);
  });

  it.each([
    ["missing.json", /missing\.json: there is no such file/],
    ["half.json", /half\.json: is not JSON/],
    ["odd.json", /odd\.json: unknown field "seed"/],
    ["none.mjs", /none\.mjs: has no default export/],
    ["broken.mjs", /broken\.mjs: cannot be loaded/],
  ])("refuses %s", async (name, message) => {
    await expect(readStudy(join(folder, name))).rejects.toThrow(message);
  });

  it("says what TypeScript needs, where this Node cannot take it", async () => {
    const canStrip = Boolean((process.features as { typescript?: unknown }).typescript);
    const wanted = canStrip ? /question is missing/ : /cannot load TypeScript: .*\.mjs or \.json/;
    await expect(readStudy(join(folder, "width.ts"))).rejects.toThrow(wanted);
  });

  it("names the studies there are", async () => {
    await expect(readStudy("reacnet")).rejects.toThrow(
      /did you mean "reactnet"\?.*or a file \(\.json/,
    );
  });
});
