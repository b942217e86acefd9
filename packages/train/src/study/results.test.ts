import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StudyPlan } from "./plan.js";
import { resultOf } from "./results.js";

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "onebit-results-"));
});
afterAll(() => rm(out, { recursive: true, force: true }));

const recipe = { stages: [] };
const plan = { variants: { a: { fitted: recipe } } } as unknown as StudyPlan;
const scores = { images: 10, top1: 0.5, top5: 1, loss: 2 };
const epochs = [0.25, 0.75].map((top1, i) => ({
  ...{ event: "epoch", epoch: i + 1, flipRate: 0, train: { loss: 1, top1 }, validation: scores },
}));
const result = { epochs: 2, best: { epoch: 2 }, test: { ...scores, top1: 0.625 }, seconds: 3 };

/** What is said of a run of two epochs whose folder has these files. */
async function read(done: unknown, lines: string) {
  const folder = join(out, "runs", "a-seed0");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "run.json"), JSON.stringify({ recipe, seed: 0, result: done }));
  await writeFile(join(folder, "metrics.jsonl"), lines);
  return resultOf(plan, out, { variant: "a", seed: 0 });
}

const whole = epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join("");

describe("what came of a run", () => {
  it("has the figures of the epoch that was kept", async () => {
    expect(await read(result, whole)).toMatchObject({
      ...{ status: "done", epoch: 2, epochs: 2, seconds: 3 },
      figures: { "test.top1": 0.625, "validation.loss": 2, "train.top1": 0.75, gap: 0.25 },
    });
    expect(await read(null, "")).toMatchObject({ status: "missing" });
  });

  it.each<[string, unknown, string, RegExp]>([
    ["no epoch", result, "", /a-seed0.metrics\.jsonl: has 0 epochs, of 2 that were trained/],
    ["an epoch cut off", result, whole.slice(0, -20), /has 1 epoch, of 2 that were trained/],
    ["no kept epoch", { ...result, best: null }, whole, /no epoch that was kept: undefined/],
    ["no figures", { ...result, test: {} }, whole, /a-seed0: test\.top1 is undefined, a finite/],
    [
      // As JSON has NaN; a sum would take it for 0.
      "no loss",
      { ...result, test: { ...scores, loss: null } },
      whole,
      /a-seed0: test\.loss is null/,
    ],
  ])("that is done and has %s is in no mean: it is refused", async (_, done, lines, message) => {
    const damaged = read(done, lines);
    await expect(damaged).rejects.toThrow(message);
    await expect(damaged).rejects.toThrow(/damaged\. Put back a copy .*--resume trains it again/);
    await expect(damaged).rejects.toThrow(OnebitError);
  });
});
