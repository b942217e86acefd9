import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "onebit";
import { evaluate, type Tensor } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Dataset } from "../data/index.js";
import { type Recipe, resolveRecipe } from "../recipes/index.js";
import { bars, barsData as dataset, SIDE } from "../test-support/bars.js";
import { evaluateFloat } from "./evaluate.js";
import type { EpochEvent, TrainEvent } from "./events.js";
import { loadFloatModel, loadTensors } from "./float-model.js";
import { buildNetwork } from "./network.js";
import type { TrainOptions } from "./options.js";
import { readEpochs, readRun } from "./run-folder.js";
import { train } from "./train.js";

const recipe: Recipe = resolveRecipe("quickstart", {
  epochs: 4,
  batch: 32,
  microBatch: 16,
  schedule: { learningRate: 0.01 },
  temperature: { binaryAt: 0.3 },
  augment: { pad: 1 },
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-train-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function options(name: string, more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: { name: "bnext", widths: [8, 8, 16] },
    data: dataset,
    out: join(folder, name),
    threads: 1,
    worker: false,
    dataWorkers: 0,
    evaluationBatch: 16,
    seed: 5,
    ...more,
  };
}

/** Everything that a run leaves behind, without times. */
async function outcome(out: string) {
  const epochs = (await readEpochs(join(folder, out))).map(timeless);
  return { epochs, tensors: await loadTensors(join(folder, out)) };
}

function timeless({ seconds, secondsLeft, imagesPerSecond, waiting, ...event }: EpochEvent) {
  const { images, teachers } = waiting!;
  expect([seconds, secondsLeft, imagesPerSecond].every(Number.isFinite)).toBe(true);
  expect(Math.min(images, teachers)).toBeGreaterThanOrEqual(0);
  expect(images + teachers).toBeLessThanOrEqual(1);
  return event;
}

const state = (out: string) => join(folder, out, "checkpoint", "state.safetensors");

/** Bytes after the header: the data of all tensors, moments included. */
async function stateData(out: string): Promise<Buffer> {
  const bytes = await readFile(state(out));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

describe("train", () => {
  it("learns, ends binary and leaves a whole run behind", async () => {
    const events: TrainEvent[] = [];
    const result = await train(
      { ...recipe, epochs: 12 },
      options("run", { onEvent: (event) => events.push(event) }),
    );
    const of = <K extends TrainEvent["event"]>(kind: K) =>
      events.filter((event): event is Extract<TrainEvent, { event: K }> => event.event === kind);

    expect(of("start")).toMatchObject([{ trainImages: 150, stepsPerEpoch: 4, microBatch: 16 }]);
    expect(of("note").map(({ message }) => message)).toEqual(["made of bars"]);
    expect(of("warning").map(({ message }) => message)).toEqual([
      expect.stringMatching(/^37 to 38 training images of each class: .* 50 and more/),
      expect.stringMatching(/leaves out 22 of 150/),
    ]);
    expect(of("step")).toHaveLength(12 * 4);
    const epochs = of("epoch");
    expect(epochs.map(({ final }) => final)).toEqual([
      ...Array(3).fill(false),
      ...Array(9).fill(true),
    ]);
    expect(epochs[0].train.loss).toBeGreaterThan(epochs[11].train.loss);
    expect(result.best.top1).toBeGreaterThan(0.8);
    expect(result.best.epoch).toBeGreaterThan(3);
    const finals = epochs.filter(({ final }) => final).map(({ test }) => test!.top1);
    expect(result.best.top1).toBe(Math.max(...finals));
    expect(of("done")).toMatchObject([{ best: result.best, epochs: 12 }]);
    expect(result.history).toEqual(epochs);

    const report = await readFile(join(result.out, "report.html"), "utf8");
    expect(report).toContain("<h1>bnext on bars</h1>");
    expect(report).toContain("epoch 12 of 12");
    expect(report).toContain(`best ${(100 * result.best.top1).toFixed(2)} %`);

    const run = await readRun(result.out);
    expect(run).toMatchObject({ seed: 5, recipe: { epochs: 12 }, result: { best: result.best } });
    expect(run.versions["onnxruntime-node"]).toMatch(/^\d/);
    expect(await readEpochs(result.out)).toEqual(epochs);
    expect(await readdir(result.out)).toEqual([
      "best",
      "checkpoint",
      "metrics.jsonl",
      "report.html",
      "run.json",
    ]);

    // The best model says by itself how it is built and fed, and gives the accuracy that was noted.
    const { tensors, ...about } = await loadFloatModel(result.bestModel);
    const again = await evaluateFloat(floatModelGraph(about), tensors, dataset, {
      ...{ preprocess: about.preprocess, batch: 7, worker: false, dataWorkers: 0 },
    });
    expect(again.top1).toBe(result.best.top1);
    expect(again.confusion.flat().reduce((a, b) => a + b)).toBe(50);
    const right = again.predictions.filter((prediction, i) => prediction === i % 4).length;
    expect(right / 50).toBe(again.top1);
    expect(about).toMatchObject({ labels: dataset.classes, card: { epoch: result.best.epoch } });
  });

  it("gives the same result again, and another with another seed", async () => {
    await train(recipe, options("a"));
    await train(recipe, options("b"));
    await train(recipe, options("c", { seed: 6 }));
    expect(await outcome("b")).toEqual(await outcome("a"));
    expect(await stateData("b")).toEqual(await stateData("a"));
    expect((await stateData("c")).equals(await stateData("a"))).toBe(false);
  });

  it("resumes to the very same bits, wherever it was stopped", async () => {
    const averaged = { ...recipe, averageDecay: 0.9 };
    await train(averaged, options("whole"));
    for (const stopAt of [1, 6, 8, 13]) {
      const abort = new AbortController();
      const onEvent = (event: TrainEvent) => {
        if (event.event === "step" && event.step === stopAt) abort.abort();
      };
      const out = `stopped-${stopAt}`;
      const stopped = train(averaged, options(out, { onEvent, signal: abort.signal }));
      await expect(stopped).rejects.toThrow(/stopped\. .*--resume/);
      await train(averaged, options(out, { resume: true }));
      expect(await outcome(out)).toEqual(await outcome("whole"));
      expect(await stateData(out)).toEqual(await stateData("whole"));
      expect((await readRun(join(folder, out))).result?.best).toEqual(
        (await readRun(join(folder, "whole"))).result?.best,
      );
    }
  });

  it("does nothing more where a finished run is resumed", async () => {
    const first = await train(recipe, options("done"));
    const events: string[] = [];
    const onEvent = ({ event }: TrainEvent) => events.push(event);
    const again = await train(recipe, options("done", { resume: true, onEvent }));
    expect(events).toEqual(["start", "note", "warning", "warning", "done"]);
    expect(again.best).toEqual(first.best);
    expect(again.history).toEqual(first.history);
  });

  it("starts from another run, with the head's rows by the names of the classes", async () => {
    await train({ ...recipe, epochs: 2 }, options("base"));
    const three: Dataset = {
      ...dataset,
      classes: ["falling", "dotted", "horizontal"],
      train: { ...dataset.train, label: (i) => i % 3 },
      test: { ...dataset.test, label: (i) => i % 3 },
    };
    const warnings: string[] = [];
    const result = await train(
      {
        ...recipe,
        epochs: 1,
        schedule: { ...recipe.schedule, learningRate: 1e-30, warmupEpochs: 0 },
      },
      options("tuned", {
        ...{ data: three, init: join(folder, "base") },
        onEvent: (event) => event.event === "warning" && warnings.push(event.message),
      }),
    );
    expect(warnings).toContain(
      'fc.weight, fc.bias: 2 rows taken by class name, new ones for "dotted", none for "vertical", "rising"',
    );
    const base = (await loadFloatModel(join(folder, "base"))).tensors;
    const tuned = (await loadFloatModel(result.out)).tensors;
    const close = (key: string) => {
      const [a, b] = [base[key].data, tuned[key].data];
      return a.every((value, i) => Math.abs(value - b[i]) < 1e-6);
    };
    expect(close("feature.1.Attention.binary_conv.weight")).toBe(true);
    expect(close("feature.2.FFN_1.norm1.weight")).toBe(true);
    expect(tuned["fc.weight"].shape).toEqual([3, 16]);
    const row = (tensors: typeof base, k: number) => [
      ...tensors["fc.weight"].data.subarray(16 * k, 16 * (k + 1)),
    ];
    expect(row(tuned, 0)).toEqual(row(base, 3).map((w) => expect.closeTo(w, 6)));
    expect(row(tuned, 2)).toEqual(row(base, 0).map((w) => expect.closeTo(w, 6)));
    expect(row(tuned, 1)).not.toEqual(row(base, 1).map((w) => expect.closeTo(w, 3)));
    await expect(
      train(
        recipe,
        options("odd", { init: join(folder, "base"), model: { name: "bnext", widths: [8, 8, 8] } }),
      ),
    ).rejects.toThrow(/belongs to another network|lacks/);
    expect(await readdir(folder)).not.toContain("odd");
  });

  it("trains the stages of a recipe one after the other", async () => {
    const two = resolveRecipe("reactnet", {
      epochs: 2,
      batch: 32,
      microBatch: 16,
      augment: { resizedCrop: false },
      loss: "cross-entropy",
    });
    const model = { name: "reactnet", widths: [8, 8, 16], stemStride: 1 } as const;
    const stages: unknown[] = [];
    const onEvent = (event: TrainEvent) => event.event === "start" && stages.push(event.stage);
    const result = await train(two, options("two", { model, onEvent }));
    expect(stages).toEqual(["step-1", undefined]);
    const first = await readRun(join(result.out, "step-1"));
    expect(first.recipe).toMatchObject({ form: "step1", stages: [] });
    expect(first.result).not.toBeNull();
    expect((await readRun(result.out)).init).toBe(
      join(result.out, "step-1", "checkpoint", "state.safetensors"),
    );
    // Linear decay per epoch: the last one runs at rate 0.
    expect(result.history.at(-1)).toMatchObject({ learningRate: 0, flipRate: 0 });
    await expect(train(two, options("two", { model }))).rejects.toThrow(/already holds a run/);
  });

  it("goes on with the stage that was interrupted", async () => {
    const two = resolveRecipe("reactnet", {
      epochs: 2,
      batch: 32,
      microBatch: 16,
      augment: { resizedCrop: false },
      loss: "cross-entropy",
    });
    const model = { name: "reactnet", widths: [8, 8, 16], stemStride: 1 } as const;
    await train(two, options("whole", { model }));
    for (const stage of ["step-1", undefined]) {
      const abort = new AbortController();
      let current: string | undefined;
      const onEvent = (event: TrainEvent) => {
        if (event.event === "start") current = event.stage;
        if (event.event === "step" && event.step === 5 && current === stage) abort.abort();
      };
      const out = `stopped-${stage}`;
      const stopped = train(two, options(out, { model, onEvent, signal: abort.signal }));
      await expect(stopped).rejects.toThrow(/--resume/);
      await train(two, options(out, { model, resume: true }));
      expect(await stateData(out)).toEqual(await stateData("whole"));
    }
  });

  it("trains a graph of one's own and a float twin", async () => {
    const twin = { ...recipe, form: "real" } as const;
    const result = await train(twin, options("twin"));
    expect(result.history.every(({ final, flipRate }) => final && flipRate === null)).toBe(true);
    const network = buildNetwork((await readRun(result.out)).model, 1);
    const own = await train(twin, options("own", { model: network }));
    expect(own.best.top1).toBe(result.best.top1);
    expect((await readRun(own.out)).model).toHaveProperty("graph");
  });

  it("evaluates as the oracle does", async () => {
    const result = await train({ ...recipe, epochs: 1 }, options("oracle"));
    const { tensors, architecture } = await loadFloatModel(result.bestModel);
    const few = { ...dataset, test: bars(6, 3) };
    const { loss, predictions } = await evaluateFloat(
      floatModelGraph({ architecture }),
      tensors,
      few,
      {
        ...{ worker: false, dataWorkers: 0 },
      },
    );
    const x = new Float32Array(6 * SIDE * SIDE);
    for (let i = 0; i < 6; i++) {
      few.test.image(i).data.forEach((v, p) => {
        x[i * SIDE * SIDE + p] = (v / 255 - 0.4) / 0.15;
      });
    }
    const { outputs } = evaluate(
      floatModelGraph({ architecture }, 6),
      { x: { shape: [6, 1, SIDE, SIDE], data: x }, temperature: 0 },
      tensors as { [key: string]: Tensor },
    );
    const all = Array.from(outputs.logits.data);
    const rows = Array.from({ length: 6 }, (_, i) => all.slice(4 * i, 4 * i + 4));
    const losses = rows.map(
      (row, i) => Math.log(row.reduce((s, v) => s + Math.exp(v), 0)) - row[i % 4],
    );
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 6, 4);
    expect([...predictions]).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
  });
});

describe("train refuses", () => {
  const cases: [string, Partial<Recipe>, Partial<TrainOptions>, RegExp][] = [
    ["an unknown model", {}, { model: "bnext-nanu" }, /unknown model.*bnext-nano/],
    ["a batch larger than the data", { batch: 512, microBatch: null }, {}, /150 training images/],
    [
      "a schedule that would not end binary",
      { epochs: 1, temperature: { kind: "paper", binaryAt: 0.3, decay: 0.9 } },
      {},
      /not end binary/,
    ],
    ["threads that are none", {}, { threads: 0 }, /threads is 0/],
    [
      "a network for other classes",
      {},
      {
        model: buildNetwork(
          {
            name: "bnext",
            options: { widths: [8, 8], classes: 7, input: [1, 8, 8], form: "binary" },
          },
          1,
        ),
      },
      /4 classes, the network 7/,
    ],
    ["a run to resume where there is none", {}, { resume: true }, /holds no run to resume/],
    ["a missing file to start from", {}, { init: "/nowhere/x.safetensors" }, /no such file/],
  ];
  it.each(cases)("%s", async (_, changes, more, message) => {
    await expect(train({ ...recipe, ...changes }, options("x", more))).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual([]);
  });

  it("an unknown data set and an unknown recipe, as wrong usage", async () => {
    await expect(train(recipe, options("x", { data: "glyph" }))).rejects.toThrow(UsageError);
    await expect(train("quickest", options("x"))).rejects.toThrow(/unknown recipe/);
  });

  it("to go on with another recipe, seed or model", async () => {
    await train({ ...recipe, epochs: 1 }, options("run"));
    const resume = (changes: Partial<Recipe>, more: Partial<TrainOptions> = {}) =>
      train({ ...recipe, epochs: 1, ...changes }, options("run", { resume: true, ...more }));
    await expect(resume({ batch: 16 })).rejects.toThrow(/recipe.batch \(32, now 16\)/);
    await expect(resume({}, { seed: 1 })).rejects.toThrow(/seed \(5, now 1\)/);
    const model = { name: "bnext", widths: [8, 16, 16] };
    await expect(resume({}, { model })).rejects.toThrow(/model.options.widths/);
    await expect(train(recipe, options("run"))).rejects.toThrow(/already holds a run/);
    await train({ ...recipe, epochs: 1 }, options("run", { overwrite: true }));
  });

  it("a damaged checkpoint, without touching it", async () => {
    await train({ ...recipe, epochs: 1 }, options("run"));
    const path = state("run");
    const good = await readFile(path);
    const resume = () => train({ ...recipe, epochs: 1 }, options("run", { resume: true }));
    const bad = Buffer.from(good);
    bad[bad.length - 3] ^= 1;
    await writeFile(path, bad);
    await expect(resume()).rejects.toThrow(/state\.safetensors.*damaged/);
    expect(await readFile(path)).toEqual(bad);
    await writeFile(path, good);
    await truncate(path, good.length - 5);
    await expect(resume()).rejects.toThrow(/state\.safetensors.*cut off/);
    await writeFile(path, good);
    await resume();
  });
});

describe("train stops", () => {
  it("at a loss that is not finite, and keeps the last good checkpoint", async () => {
    const poisoned = {
      ...recipe,
      schedule: { ...recipe.schedule, warmupEpochs: 0, learningRate: 1e30 },
    };
    const before = options("nan");
    const stopped = train({ ...poisoned, clip: null }, before);
    await expect(stopped).rejects.toThrow(
      /(loss|norm) (on the test images |"cross-entropy" )?is (NaN|Infinity).*(learningRate).*state before the first epoch|after epoch/s,
    );
    const abort = new AbortController();
    abort.abort();
    await expect(train(recipe, options("x", { signal: abort.signal }))).rejects.toThrow(/stopped/);
  });
});
