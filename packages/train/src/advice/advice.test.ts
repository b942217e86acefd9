import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchNorm, binaryConv2d, globalAveragePool, linear, network, sign } from "onebit/graph";
import { describe, expect, it } from "vitest";
import { openDataset } from "../data/index.js";
import { resolveRecipe } from "../recipes/index.js";
import type { EpochEvent, ObservationEvent, TrainEvent, TrainingWarning } from "../run/events.js";
import { train } from "../run/train.js";
import { type Schedule, schedulesOf } from "../schedules/index.js";
import type { Training } from "./advice.js";
import { Advisor, idleEpochs, peakRate } from "./index.js";

const training: Training = { peakRate: 0.1, teachersAt: () => [] };

const observed = (
  step: number,
  layers: ObservationEvent["layers"],
  { learningRate = 0.1, since = step - 50 } = {},
) => ({ event: "observation", epoch: 1, step, since, layers, learningRate }) as const;

const epoch = (
  number: number,
  { top1 = 0.5, images = 0, seconds = 100 }: { top1?: number; images?: number; seconds?: number },
): EpochEvent => ({
  ...{
    event: "epoch",
    epoch: number,
    epochs: 9,
    step: 10 * number,
    final: true,
    weights: "binary",
  },
  train: { loss: 1, top1 },
  test: { images: 100, top1, top5: 1, loss: 1 },
  ...{ flipRate: 0, gradientNorm: 1, learningRate: 0.1, temperature: null },
  ...{ imagesPerSecond: 10, waiting: { images, teachers: 0 }, seconds, secondsLeft: 0 },
});

const messages = (warnings: readonly TrainingWarning[]) => warnings.map(({ message }) => message);

describe("advice on layers", () => {
  it.each([
    [
      "dead signs",
      "deadSigns",
      0.25,
      /^dead signs before b \(25 %\), c \(100 %\): .*RSign.*learning rate$/,
    ],
    [
      "saturation",
      "saturation",
      0.9,
      /^saturated signs before b \(90 %\), c \(100 %\): .*batch normalisation/,
    ],
  ] as const)("%s: of those two observations in a row agree on, once", (_, figure, least, text) => {
    const advisor = new Advisor(training);
    const a = { [figure]: least - 0.01 };
    const [b, c] = [{ [figure]: least }, { [figure]: 1 }];
    expect(advisor.after(observed(50, { a, b, c }))).toEqual([]);
    const said = advisor.after(observed(100, { a, b, c }));
    expect(said).toMatchObject([{ event: "warning", about: ["b", "c"], epoch: 1, step: 100 }]);
    expect(said[0].message).toMatch(text);
    expect(advisor.after(observed(150, { a, b, c }))).toEqual([]);
    // A layer that joins them later is told of by itself.
    advisor.after(observed(200, { a: c, b, c }));
    expect(advisor.after(observed(250, { a: c, b, c }))).toMatchObject([{ about: ["a"] }]);
    // What was said before a run was stopped is not said again.
    const later = new Advisor(training, said);
    later.after(observed(300, { b, c }));
    expect(later.after(observed(350, { b, c }))).toEqual([]);
    // One alone is chance.
    const other = new Advisor(training);
    const three: ObservationEvent["layers"][] = [{ b }, { a }, { b }];
    const seen = three.map((layers, i) => other.after(observed(50 * i, layers)));
    expect(seen.flat()).toEqual([]);
  });

  it("names four layers, and how many there are besides", () => {
    const advisor = new Advisor(training);
    const layers = Object.fromEntries([..."abcdefg"].map((name) => [name, { deadSigns: 0.5 }]));
    advisor.after(observed(1, layers));
    expect(messages(advisor.after(observed(2, layers)))[0]).toContain("d (50 %) and 3 more");
  });

  it("frozen weights: without a flip for 200 steps at a rate that counts", () => {
    const advisor = new Advisor(training);
    const [still, flips] = [{ flipRate: 0 }, { flipRate: 0.001 }];
    const after = (step: number, layers: ObservationEvent["layers"], learningRate?: number) =>
      advisor.after(observed(step, layers, { learningRate }));
    expect(after(50, { still, flips, real: {} })).toEqual([]);
    expect(after(100, { still, flips: still })).toEqual([]);
    // At the end of a schedule signs rest.
    expect(after(150, { still, flips: still }, 0.005)).toEqual([]);
    expect(after(200, { still, flips: still })).toEqual([]);
    const [said, ...others] = after(250, { still, flips: still });
    expect(said.message).toMatch(
      /^frozen weights in still \(200 steps\): .*learningRate.*--freeze/,
    );
    expect(others).toEqual([]);
    expect(after(300, { still, flips: still })).toEqual([]);
  });

  it("frozen weights: few observations are waited for, however far they are apart", () => {
    const advisor = new Advisor(training);
    const said = [1000, 2000, 3000].map((step) =>
      advisor.after(observed(step, { a: { flipRate: 0 } }, { since: step - 1000 })),
    );
    expect(said.map(({ length }) => length)).toEqual([0, 0, 1]);
    expect(said[2][0].message).toContain("a (3,000 steps)");
  });
});

describe("advice on epochs", () => {
  it("slow loader: a fifth of the time, and seconds of it", () => {
    const advisor = new Advisor(training);
    expect(advisor.after(epoch(1, { images: 0.19 }))).toEqual([]);
    expect(advisor.after(epoch(2, { images: 0.9, seconds: 2 }))).toEqual([]);
    const said = messages(advisor.after(epoch(3, { images: 0.35 })));
    expect(said).toEqual([expect.stringMatching(/^slow loader: 35 % of the time.*--threads/)]);
    expect(advisor.after(epoch(4, { images: 0.5 }))).toEqual([]);
  });

  it("weak teacher: one who teaches now, and knows less by a point", () => {
    const first = { path: "first.onnx", top1: 0.6 };
    const second = { path: "second.onnx", top1: 0.8 };
    const teachersAt = (epoch: number) => [
      epoch < 3 ? first : second,
      { path: "unknown", top1: null },
    ];
    const advisor = new Advisor({ ...training, teachersAt });
    expect(advisor.after(epoch(1, { top1: 0.605 }))).toEqual([]);
    expect(advisor.after(epoch(3, { top1: 0.7 }))).toEqual([]);
    const said = advisor.after(epoch(4, { top1: 0.82 }));
    expect(said).toMatchObject([{ about: ["second.onnx"], epoch: 4 }]);
    expect(said[0].message).toMatch(
      /^weak teacher second.onnx \(80.0 %, the student 82.0 %\): .*better/,
    );
    expect(advisor.after(epoch(5, { top1: 0.9 }))).toEqual([]);
  });
});

describe("epochs with learning rate 0", () => {
  const course = (rate: Schedule, epochs = 10, stepsPerEpoch = 4) => ({
    rate,
    epochs,
    stepsPerEpoch,
  });

  it("are told before the first", () => {
    const rate: Schedule = ({ step }) => (step < 8 || step >= 36 ? 0 : 0.5);
    expect(idleEpochs(course(rate))).toEqual([
      expect.stringMatching(
        /^the learning rate is 0 in 3 epochs \(1 to 10\) of 10: .*schedule\.per/,
      ),
    ]);
    expect(idleEpochs(course(() => 0, 1))[0]).toMatch(/^the learning rate is 0 in epoch 1 of 1:/);
    expect(peakRate(course(rate))).toBe(0.5);
  });

  it("are none where any step learns", () => {
    expect(idleEpochs(course(({ step }) => (step % 100 === 17 ? 1 : 0), 2, 100))).toEqual([]);
    expect(idleEpochs(course(({ step }) => step / 10))).toEqual([]);
  });

  it("may be one in 50, as in ReActNet's published schedule", async () => {
    const recipe = resolveRecipe("reactnet");
    const of = async (epochs: number) => {
      const how = { inputs: [], threshold: undefined, stepsPerEpoch: 5, epochs };
      const { learningRate: rate } = await schedulesOf(recipe, how);
      return idleEpochs({ rate, epochs, stepsPerEpoch: 5 });
    };
    expect(await of(recipe.epochs)).toEqual([]);
    expect(await of(10)).toEqual([expect.stringContaining("in epoch 10 of 10")]);
  });
});

describe("a training", () => {
  const run = async (more: Partial<Parameters<typeof train>[1]>, name = "quickstart") => {
    const out = await mkdtemp(join(tmpdir(), "onebit-advice-"));
    const events: TrainEvent[] = [];
    const widths = [8, 8, 16];
    try {
      const data = await openDataset("glyphs", { trainImages: 320, testImages: 40 });
      const recipe = resolveRecipe(name, { epochs: 2, batch: 32, microBatch: null });
      await train(recipe, {
        model: { name: name === "quickstart" ? "bnext" : "reactnet", widths },
        ...{ data, out, overwrite: true, threads: 1, worker: false, dataWorkers: 0 },
        ...{ observe: { every: 4 }, onEvent: (event) => events.push(event), ...more },
      });
    } finally {
      await rm(out, { recursive: true });
    }
    const said = events.filter((event) => event.event === "warning" && "advice" in event);
    // How fast images come is the machine's.
    return said.filter(({ advice }) => advice !== "slow-loader");
  };

  it.each(["quickstart", "plain"])("by a healthy recipe is not advised: %s", async (name) => {
    expect(await run({}, name)).toEqual([]);
  });

  it("whose signs are all on one side, outside of their window, is", async () => {
    const said = await run({ model: oneSided() });
    expect(said.map(({ advice, about }) => [advice, about])).toEqual([
      ["dead-signs", ["conv"]],
      ["saturation", ["conv"]],
    ]);
  });
});

/** Inputs of the signs are 3 at least, and their estimator ends at 1. */
function oneSided() {
  return network("one-sided", [32, 3, 32, 32], (b, x) => {
    const shifted = b.op("add", [b.op("relu", [x]), b.constant(3)]);
    const signs = sign(b, "signs", shifted, { estimator: "clip" });
    const binarizer = { scale: "none", estimator: "clip", range: 1 } as const;
    const y = binaryConv2d(b, "conv", signs, { out: 4, kernel: 3, stride: 4, binarizer });
    return linear(b, "fc", globalAveragePool(b, "pool", batchNorm(b, "bn", y)), 36);
  });
}
