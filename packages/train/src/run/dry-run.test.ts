import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { overrideRecipe, type Recipe, resolveRecipe } from "../recipes/index.js";
import { barsData } from "../test-support/bars.js";
import { dryRun } from "./dry-run.js";
import type { TrainOptions } from "./options.js";
import { readRun } from "./run-folder.js";
import { train } from "./train.js";

let folder: string;
const path = (name: string) => join(folder, name);
const common = { data: barsData, threads: 1, dataWorkers: 0, worker: false };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-dry-run-"));
  const plain = resolveRecipe("plain", { epochs: 1, batch: 32, microBatch: 16, form: "real" });
  for (const [seed, out] of ["weak", "strong"].entries()) {
    await train(plain, { ...common, model: "linear", out: path(out), seed });
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const recipe = resolveRecipe("quickstart", {
  ...{ epochs: 5, batch: 32, microBatch: 16, loss: "gap-aware" },
  ...{ schedule: { learningRate: 0.01 }, temperature: { binaryAt: 0.3 }, augment: { pad: 1 } },
});

const student = (out: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  ...{ ...common, model: { name: "bnext", widths: [8, 8, 16] }, out: path(out), seed: 3 },
  ...{ assistants: [path("weak"), path("strong")], teachers: [path("strong")] },
  ...more,
});

const everything = async () => (await readdir(folder, { recursive: true })).toSorted();

it("says what a run would record, and writes nothing", async () => {
  const before = await everything();
  const forecast = await dryRun(recipe, student("run"));
  expect(await everything()).toEqual(before);
  const [stage, ...others] = forecast.stages;
  expect([stage.name, others]).toEqual([null, []]);
  await train(recipe, student("run"));
  const { started, result, teachers, ...facts } = await readRun(path("run"));
  const { started: _, result: none, teachers: unmeasured, ...would } = stage.record;
  expect(JSON.parse(JSON.stringify(would))).toEqual(facts);
  expect(none).toBeNull();
  expect(unmeasured).toEqual(teachers!.map((teacher) => ({ ...teacher, top1: null })));
});

it("takes steps with the teachers of each segment, and adds up the time of the whole", async () => {
  const { stages, seconds, peakMemory } = await dryRun(recipe, student("other"));
  const [{ segments, stepsPerEpoch, memory, seconds: parts }] = stages;
  expect(stepsPerEpoch).toBe(4);
  expect(
    segments.map(({ firstEpoch, epochs, teachers }) => [firstEpoch, epochs, teachers]),
  ).toEqual([
    [1, 3, [path("weak"), path("strong")]],
    [4, 2, [path("strong"), path("strong")]],
  ]);
  const middles = segments.map(({ steps }) => {
    expect(steps).toHaveLength(3);
    return steps.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b)[1];
  });
  expect(parts.steps).toBeCloseTo((3 * 4 * middles[0] + 2 * 4 * middles[1]) / 1000, 6);
  expect(parts.evaluations).toBeGreaterThan(0);
  expect(parts.teachers).toBeGreaterThan(0);
  expect(parts.views).toBe(0);
  const sum = parts.steps + parts.evaluations + parts.teachers;
  expect(seconds).toBeCloseTo(sum, 9);
  expect(memory.total).toBe(memory.values + memory.state);
  expect(peakMemory).toBeGreaterThan(memory.total);
});

it("counts views that would be asked, but not those that are kept", async () => {
  const views = student("views", { teacherViews: 2, teacherCache: path("kept") });
  const before = await everything();
  const [asking] = (await dryRun(recipe, views)).stages;
  expect(await everything()).toEqual(before);
  expect(asking.seconds.views).toBeGreaterThan(0);
  expect(asking.segments).toHaveLength(1);
  await train(recipe, views);
  const again = await dryRun(recipe, { ...views, overwrite: true });
  expect(again.stages[0].seconds.views).toBe(0);
});

it("goes through every stage, and notes a folder that holds a run", async () => {
  const stages = [{ name: "first", overrides: { form: "real" } }] as const;
  const staged: Recipe = { ...overrideRecipe(recipe, { loss: "cross-entropy" }), stages };
  const alone = student("run", { assistants: [], teachers: [] });
  const forecast = await dryRun(staged, alone);
  expect(forecast.stages.map(({ name, recipe }) => [name, recipe.form])).toEqual([
    ["first", "real"],
    [null, "binary"],
  ]);
  expect(forecast.notes.join("\n")).toMatch(/already holds a run: .*--overwrite/);
});

it("refuses what a training would refuse", async () => {
  await expect(dryRun(recipe, student("no", { teachers: ["nowhere.onnx"] }))).rejects.toThrow(
    "teacher nowhere.onnx: there is no such file",
  );
  await expect(dryRun(recipe, student("no", { init: "nothing" }))).rejects.toThrow(
    "nothing: there",
  );
  const deaf = { ...recipe, loss: "cross-entropy" };
  await expect(dryRun(deaf, student("no"))).rejects.toThrow("does not ask it");
});
