import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "onebit";
import * as graph from "onebit/graph";
import { describe, expect, it } from "vitest";
import { openDataset } from "../data/index.js";
import type { Loss } from "../losses/index.js";
import type { RecipeOverrides } from "../recipes/index.js";
import type { TrainEvent } from "../run/events.js";
import { loadTensors } from "../run/float-model.js";
import type { TrainOptions } from "../run/options.js";
import { ownCode } from "../test-support/own-code.js";
import type { Callback, Evaluated, Metric, Targets } from "./index.js";

const own = ownCode();
let modules = 0;
const module = (code: string) => own.module(`${modules++}.mjs`, `export default ${code};`);
/** With two micro-batches a step, in this thread. */
const trained = (overrides: RecipeOverrides, given: Partial<TrainOptions> = {}) =>
  own.trained({ microBatch: 8, ...overrides }, { dataWorkers: 0, worker: false, ...given });

describe("metrics", () => {
  const top1: Metric = ({ logits, labels, classes }) => {
    const right = labels.filter((label, n) => {
      const row = logits.slice(n * classes.length, (n + 1) * classes.length);
      return row.indexOf(Math.max(...row)) === label;
    });
    return right.length / labels.length;
  };

  it("see the logits, labels and weights of each evaluation", async () => {
    const norms: number[] = [];
    const norm: Metric = async ({ weights }) => {
      const data = (await weights())["fc.weight"].data as Float32Array;
      norms.push(Math.hypot(...data));
      return norms.at(-1)!;
    };
    const { history, out } = await trained(
      { keep: "last" },
      { metrics: { own: top1, "norm of fc": norm } },
    );
    expect(history.map(({ test }) => test?.metrics)).toEqual(
      history.map(({ test }, epoch) => ({ own: test!.top1, "norm of fc": norms[epoch] })),
    );
    const last = (await loadTensors(out))["fc.weight"].data as Float32Array;
    expect(norms[1]).toBe(Math.hypot(...last));
    const logged = await readFile(join(out, "metrics.jsonl"), "utf8");
    expect(logged).toContain(`"metrics":{"own":${history[0].test!.top1},"norm of fc":${norms[0]}}`);
    expect(await readFile(join(out, "report.html"), "utf8")).toContain("norm of fc");
  });

  it("may write into what they are given", async () => {
    const spoils: Metric = ({ logits, labels }) => {
      logits.fill(0);
      labels.fill(0);
      return 1;
    };
    const { history } = await trained({}, { metrics: { spoils, own: top1 } });
    expect(history[1].test?.metrics).toEqual({ spoils: 1, own: history[1].test?.top1 });
  });

  it("are modules that a recipe names; held-back and test images both have them", async () => {
    const images = await module("({ labels }) => labels.length");
    const { history, test } = await trained({ metrics: { images } }, { validation: 0.25 });
    const { validation } = history[1];
    expect(validation?.metrics).toEqual({ images: validation?.images });
    expect(test?.metrics).toEqual({ images: 36 });
  });

  it.each<[string, Metric, RegExp]>([
    [
      "NaN",
      () => Number.NaN,
      /the metric "odd" gives NaN after epoch 1, a finite number is wanted\. .*checkpoint/,
    ],
    ["no number", () => "1" as never, /the metric "odd" gives "1" after epoch 1, a finite/],
    [
      "an error",
      () => {
        throw new RangeError("too far");
      },
      /the metric "odd" failed after epoch 1: too far\. .*checkpoint/,
    ],
  ])("that give %s end the training", async (_, odd, message) => {
    await expect(trained({}, { metrics: { odd } })).rejects.toThrow(message);
  });

  it("look at further outputs of a network, which the loss may train too", async () => {
    const network = graph.network("two", [1, 3, 32, 32], (b, x) => {
      const pixels = b.op("reshape", [x], { shape: [-1, 3 * 32 * 32] });
      b.output("halves", graph.linear(b, "half", pixels, 2));
      return graph.linear(b, "fc", pixels, 36);
    });
    const loss: Loss = (b, outputs, inputs) => {
      const gap = b.op("sub", [outputs.get("logits"), inputs.get("target")]);
      const squares = (value: string) => b.op("mean", [b.op("mul", [value, value])]);
      return b.op("add", [squares(gap), squares(outputs.get("halves"))]);
    };
    const size = ({ outputs, labels }: Evaluated) => {
      expect(Object.keys(outputs)).toEqual(["halves"]);
      expect(outputs.halves).toHaveLength(2 * labels.length);
      return outputs.halves.reduce((sum, value) => sum + value ** 2, 0) / outputs.halves.length;
    };
    const metrics = { size: Object.assign(size, { outputs: ["halves"] }) };
    const { history } = await trained({}, { model: network, loss, metrics, evaluationBatch: 10 });
    const [first, second] = history.map(({ test }) => test!.metrics!.size);
    expect(second).toBeLessThan(first);
    const asks = { size: Object.assign(size, { outputs: ["half"] }) };
    await expect(trained({}, { model: network, metrics: asks })).rejects.toThrow(
      new UsageError('the metric "size" asks for an output "half" of two; it has halves, logits'),
    );
  });

  it("of one name are refused", async () => {
    const one = await module("() => 1");
    const both = trained({ metrics: { own: one } }, { metrics: { own: top1 } });
    await expect(both).rejects.toThrow(
      new UsageError('the recipe has a metric "own" too: give yours another name'),
    );
  });
});

describe("callbacks", () => {
  it("are told all events in order, and see the weights of that moment without holding them", async () => {
    const told: TrainEvent[] = [];
    const seen: graph.Tensor[] = [];
    const callback: Callback = async (event, { weights, network }) => {
      told.push(event);
      if (event.event !== "step") return;
      if (event.step === 1) expect(network.name).toBe("linear");
      Object.assign(network, { name: "mine" });
      Object.assign(network.tensors["fc.weight"], { shape: [] });
      const mine = (await weights())["fc.weight"];
      seen.push({ ...mine, data: mine.data.slice() });
      mine.data.fill(0);
    };
    const heard: TrainEvent[] = [];
    const onEvent = (event: TrainEvent) => heard.push(event);
    const { losses, out } = await trained({}, { callbacks: [callback], onEvent });
    expect(told).toEqual(heard);
    expect(told[0].event).toBe("start");
    expect(told.at(-1)?.event).toBe("done");
    expect(seen).toHaveLength(8);
    expect(new Set(seen.map(({ data }) => data.join())).size).toBe(8);
    const state = await loadTensors(join(out, "checkpoint", "state.safetensors"));
    expect(seen[7].data).toEqual(state["fc.weight"].data);
    // What a callback does to its copies changes nothing.
    expect((await trained({})).losses).toEqual(losses);
  });

  it("are modules that a recipe names, with which a run goes on", async () => {
    const log = own.path("log.txt");
    const tell = await module(`async ({ event, epoch }) => {
        const { appendFile } = await import("node:fs/promises");
        if (event === "epoch") await appendFile(${JSON.stringify(log)}, "epoch " + epoch + "\\n");
      }`);
    await trained({ callbacks: [tell] });
    expect(await readFile(log, "utf8")).toBe("epoch 1\nepoch 2\n");
  });

  it("that fail end the training, and say when", async () => {
    const tooFar: Callback = (event) => {
      if (event.event === "step" && event.step === 3) throw new RangeError("too far");
    };
    await expect(trained({}, { callbacks: [tooFar] })).rejects.toThrow(
      /the callback tooFar failed after step 3: too far\. .*the state before the first epoch/,
    );
    const none = await module("{ onStep() {} }");
    await expect(trained({ callbacks: [none] })).rejects.toThrow(
      /\d+.mjs: its default export is object; a callback has a function there/,
    );
  });
});

describe("targets", () => {
  const smoothed: Targets = (label, { classes }) =>
    classes.map((_, k) => 0.1 / classes.length + (k === label ? 0.9 : 0));

  it("take the place of labels, also of mixed images", async () => {
    const smoothing = { loss: "cross-entropy(smoothing=0.1)" };
    const own = await trained({}, { targets: smoothed });
    const usual = await trained(smoothing);
    own.losses.forEach((loss, epoch) => {
      expect(loss).toBeCloseTo(usual.losses[epoch], 5);
    });
    const augment = { mixup: true } as const;
    const mixed = await trained({ augment }, { targets: smoothed });
    const usualMixed = await trained({ augment, ...smoothing });
    mixed.losses.forEach((loss, epoch) => {
      expect(loss).toBeCloseTo(usualMixed.losses[epoch], 5);
    });
    expect(mixed.losses).not.toEqual(own.losses);
  });

  it("know their image, whatever batch it is in", async () => {
    const { train: split } = await openDataset("glyphs", { trainImages: 64, testImages: 36 });
    const seen = new Map<string, number>();
    const targets: Targets = (label, { index, source, epoch, classes }) => {
      expect([label, source]).toEqual([split.label(index), split.source(index)]);
      seen.set(`${epoch} ${index}`, label);
      return smoothed(label, { index, source, epoch, classes });
    };
    await trained({}, { targets });
    expect(seen.size).toBe(128);
  });

  it.each<[string, string, RegExp]>([
    [
      "NaN",
      "(_, { classes }) => classes.map((_, k) => (k === 2 ? NaN : 0))",
      /the targets of image \d+ \(.*\) in epoch 1 have NaN for the class "2"/,
    ],
    ["too few", "() => [1, 0]", /in epoch 1 are 2 numbers, one for each of 36 classes is wanted/],
    ["nothing", "() => undefined", /in epoch 1 are undefined, one for each/],
    [
      "an error",
      "() => { throw new Error('no such image') }",
      /in epoch 1 cannot be made: no such image/,
    ],
  ])("that are %s end the training", async (_, code, message) => {
    const targets = await module(code);
    await expect(trained({ targets })).rejects.toThrow(message);
  });

  it("that no loss looks at are refused", async () => {
    const loss = "magnitude";
    const bnext = { model: "bnext", switches: { widths: [4, 8] }, form: "binary" } as const;
    await expect(trained({ ...bnext, loss }, { targets: smoothed })).rejects.toThrow(
      new UsageError('the loss "magnitude" does not look at targets: yours would be of no use'),
    );
  });
});
