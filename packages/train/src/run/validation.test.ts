import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { floatModelGraph } from "onebit/models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveRecipe } from "../recipes/index.js";
import { barsData as dataset } from "../test-support/bars.js";
import { evaluateFloat } from "./evaluate.js";
import { loadFloatModel } from "./float-model.js";
import type { TrainOptions } from "./options.js";
import { recordedRun } from "./recorded.js";
import { readEpochs, readRun } from "./run-folder.js";
import { train } from "./train.js";

const recipe = resolveRecipe("plain", { epochs: 3, batch: 32, microBatch: 32 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-validation-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  ...{ model: "linear", data: dataset, out: join(folder, "run"), threads: 1, seed: 5 },
  ...{ worker: false, dataWorkers: 0, validation: 0.2, ...more },
});

describe("train with images held back", () => {
  it("chooses the epoch on them and uses the test images once, at the end", async () => {
    const { history, best, test, out, dataset: used } = await train(recipe, options());
    const scores = history.map(({ validation }) => validation!);
    expect(scores.map(({ images }) => images)).toEqual([30, 30, 30]);
    expect(best.top1).toBe(Math.max(...scores.map(({ top1 }) => top1)));
    expect(history.every((epoch) => !("test" in epoch))).toBe(true);
    expect([used.train.length, used.finalTest]).toEqual([120, dataset.test]);

    const model = await loadFloatModel(out);
    const again = await evaluateFloat(floatModelGraph(model), model.tensors, dataset, {
      ...{ worker: false, dataWorkers: 0, preprocess: model.preprocess },
    });
    expect(test).toMatchObject({ images: dataset.test.length, top1: again.top1 });
    expect(test!.loss).toBeCloseTo(again.loss, 5);
    expect((await readRun(out)).result).toMatchObject({ best, test });
    expect((await readRun(out)).data).toMatchObject({
      ...{ trainImages: 120, testImages: dataset.test.length },
      validation: { share: 0.2, seed: 0, images: 30 },
    });
    expect((await recordedRun(out)).validation).toEqual({ share: 0.2, seed: 0 });
  });

  it("goes on with the same images, and refuses others", async () => {
    const whole = await train(recipe, options({ out: join(folder, "whole") }));
    const abort = new AbortController();
    const cut = train(recipe, {
      ...options({ signal: abort.signal }),
      onEvent: (event) => event.event === "step" && event.step === 5 && abort.abort(),
    });
    await expect(cut).rejects.toThrow(/stopped/);
    const resume = { resume: true };
    await expect(train(recipe, options({ ...resume, validation: 0.3 }))).rejects.toThrow(
      /another data\.(trainImages|validation)/,
    );
    const { best, test } = await train(recipe, options(resume));
    expect({ best, test }).toEqual({ best: whole.best, test: whole.test });
    expect((await readEpochs(join(folder, "run"))).map(({ validation }) => validation)).toEqual(
      whole.history.map(({ validation }) => validation),
    );
  });
});
