import { appendFile, mkdtemp, readdir, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RecipeStage, resolveRecipe } from "../recipes/index.js";
import { stepOf } from "../tensorboard/event-proto.js";
import { wholeRecords } from "../tensorboard/records.js";
import { barsData } from "../test-support/bars.js";
import type { ObservationEvent, TrainEvent } from "./events.js";
import { readRun, recordedRun, type TrainOptions, train } from "./index.js";

let folder: string;
const path = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-watching-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Four steps each. */
const recipe = resolveRecipe("quickstart", {
  ...{ epochs: 4, batch: 32, microBatch: 16, temperature: { binaryAt: 0.3 } },
  schedule: { learningRate: 0.01 },
});
const EVERY = 3;

const options = (out: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: { name: "bnext", widths: [8, 8, 16] },
  ...{ data: barsData, out: path(out), seed: 5, threads: 1, worker: false, dataWorkers: 0 },
  ...{ observe: { every: EVERY }, tensorboard: path(`${out}-board`) },
  ...more,
});

async function linesOf(out: string): Promise<{ event: string; step: number }[]> {
  const text = await readFile(path(out, "metrics.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function observations(out: string): Promise<ObservationEvent[]> {
  const lines = await linesOf(out);
  return lines.filter(({ event }) => event === "observation") as ObservationEvent[];
}

/** Data of all tensors, moments included. */
async function state(out: string): Promise<Buffer> {
  const bytes = await readFile(path(out, "checkpoint", "state.safetensors"));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

async function boardSteps(board: string): Promise<number[]> {
  const [name, ...others] = await readdir(path(board));
  expect(others).toEqual([]);
  const records = wholeRecords(await readFile(path(board, name)));
  return [...records].slice(1).map(({ data }) => stepOf(data));
}

describe("a watched training", () => {
  const events: TrainEvent[] = [];
  beforeAll(() => train(recipe, options("whole", { onEvent: (event) => events.push(event) })));

  it("tells of its layers, in events, metrics.jsonl and the report", async () => {
    const told = events.filter((event) => event.event === "observation");
    expect(told.map(({ step, since, epoch }) => [step, since, epoch])).toEqual([
      [3, 0, 1],
      [6, 3, 2],
      [9, 6, 3],
      [12, 9, 3],
      [15, 12, 4],
    ]);
    expect(await observations("whole")).toEqual(told);
    const [{ layers }] = told;
    expect(Object.keys(layers)).toContain("feature.1.Attention.binary_conv");
    for (const figure of Object.values(layers["feature.1.Attention.binary_conv"])) {
      expect(String(figure).length).toBeLessThan(12);
    }
    const report = await readFile(path("whole", "report.html"), "utf8");
    expect(report).toContain("<td>feature.1.Attention.binary_conv</td>");
    expect(report).toContain("Over steps 3 to 15");
    expect((await readRun(path("whole"))).observe).toEqual({ every: EVERY });
    expect(await recordedRun(path("whole"))).toMatchObject({
      ...{ observe: { every: EVERY }, tensorboard: path("whole-board") },
    });
  });

  it("has the scalars of every line in its event file", async () => {
    const steps = (await linesOf("whole")).map(({ step }) => step);
    expect(await boardSteps("whole-board")).toEqual(steps);
  });

  it("learns what it learns unwatched", async () => {
    await train(recipe, options("unwatched", { observe: undefined, tensorboard: undefined }));
    const [watched, plain] = [await state("whole"), await state("unwatched")];
    expect(watched.length).toBeGreaterThan(plain.length);
    expect(watched.includes(plain.subarray(0, plain.length))).toBe(true);
    expect(await observations("unwatched")).toEqual([]);
  });

  it.each([7, 10])("goes on after step %i: nothing twice, nothing missing", async (stopAt) => {
    const out = `stopped-${stopAt}`;
    const abort = new AbortController();
    const onEvent = (event: TrainEvent) => {
      if (event.event === "step" && event.step === stopAt) abort.abort();
    };
    const stopped = train(recipe, options(out, { onEvent, signal: abort.signal }));
    await expect(stopped).rejects.toThrow(/stopped/);
    // As a killed process leaves them.
    await appendFile(path(out, "metrics.jsonl"), '{"event":"observation","epo');
    const [name] = await readdir(path(`${out}-board`));
    const board = path(`${out}-board`, name);
    await truncate(board, (await readFile(board)).length - 7);
    await train(recipe, options(out, { resume: true }));
    expect(await observations(out)).toEqual(await observations("whole"));
    expect(await boardSteps(`${out}-board`)).toEqual(await boardSteps("whole-board"));
    expect(await state(out)).toEqual(await state("whole"));
  });

  it("writes of each stage into a folder of its own", async () => {
    const stages: readonly RecipeStage[] = [{ name: "first", overrides: { form: "step1" } }];
    await train({ ...recipe, epochs: 2, stages }, options("staged"));
    expect(await readdir(path("staged-board"))).toEqual([
      expect.stringMatching(/^events.out.tfevents.\d{10}.onebit$/),
      "first",
    ]);
    expect(await boardSteps("staged-board/first")).toHaveLength(2 * 4 + 2 + 2);
    const [first] = await observations("staged/first");
    const seen = first.layers["feature.1.Attention.binary_conv"];
    expect(Object.keys(seen)).toEqual(["saturation", "deadSigns", "gradientNorm", "weightNorm"]);
  });

  it("is refused before anything is written where it cannot be", async () => {
    await expect(train(recipe, options("a", { observe: { every: 0 } }))).rejects.toThrow(
      /observe\.every is 0, must be a whole number from 1 on/,
    );
    const mixed = options("a", { tensorboard: path("whole-board") });
    await expect(train(recipe, mixed)).rejects.toThrow(
      /whole-board: holds the events of another run/,
    );
    expect(await readdir(folder)).not.toContain("a");
  });
});
