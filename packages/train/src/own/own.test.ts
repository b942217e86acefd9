import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "onebit";
import * as graph from "onebit/graph";
import { describe, expect, it } from "vitest";
import type { RecipeOverrides } from "../recipes/index.js";
import { ownCode } from "../test-support/own-code.js";

const { path, newRun, module, trained } = ownCode();

const lion = `
const direction = (m, g) => Math.sign(0.9 * m + 0.1 * g);
export default {
  moments: () => ["momentum"],
  step({ weights, gradients, moments }, { start, end, learningRate, gradientScale }) {
    for (let i = start; i < end; i++) {
      const g = gradients[i] * gradientScale;
      weights[i] -= learningRate * direction(moments.momentum[i], g);
      moments.momentum[i] = 0.99 * moments.momentum[i] + 0.01 * g;
    }
  },
};`;

describe("modules of one's own", () => {
  it("an optimiser steps with the flat gradients, and its moments are saved", async () => {
    const kind = await module("lion.mjs", lion);
    const { losses, out } = await trained({ optimiser: { kind } });
    expect(losses[1]).toBeLessThan(losses[0]);
    const state = await readFile(join(out, "checkpoint", "state.safetensors"), "latin1");
    expect(state).toContain("momentum");
  });

  it("an augmentation is seeded by image and epoch, whatever the threads", async () => {
    const own = await module(
      "dark.mjs",
      `export default (image, random) => {
        const factor = random.uniform(0.2, 0.4);
        return { ...image, data: image.data.map((value) => value * factor) };
      };`,
    );
    const [first, again, plain] = [
      await trained({ augment: { own } }),
      await trained({ augment: { own } }),
      await trained({}),
    ];
    expect(first.losses).toEqual(again.losses);
    expect(first.losses).not.toEqual(plain.losses);
  });

  it("an augmentation may write into its image: it is a copy", async () => {
    const change = (image: string) =>
      `export default (image, random) => {
        const factor = random.uniform(0.2, 0.4);
        const made = ${image};
        made.data.forEach((value, i) => { made.data[i] = value * factor; });
        return made;
      };`;
    const inPlace = await module("in-place.mjs", change("image"));
    const copying = await module("copying.mjs", change("{ ...image, data: image.data.slice() }"));
    // In this thread, where the images of the next epoch are these.
    const here = { dataWorkers: 0, worker: false } as const;
    const { losses } = await trained({ augment: { own: inPlace } }, here);
    expect(losses).toEqual((await trained({ augment: { own: copying } }, here)).losses);
  });

  it("a loss is a function of the graph", async () => {
    const loss = await module(
      "brier.mjs",
      `export default (b, outputs, inputs) => {
        const p = b.op("softmax", [outputs.get("logits")], { axis: 1 });
        const gap = b.op("sub", [p, inputs.get("target")]);
        return b.op("mean", [b.op("mul", [gap, gap])]);
      };`,
    );
    const { losses } = await trained({ loss });
    expect(losses[0]).toBeLessThan(1);
    expect(losses[1]).toBeLessThan(losses[0]);
  });

  it("a schedule sets the learning rate, another the temperature", async () => {
    const rate = await module("rate.mjs", "export default ({ step }) => 0.01 / (step + 1);");
    const { events } = await trained({ schedule: { kind: rate } });
    expect(events.map(({ learningRate }) => learningRate)).toEqual(
      Array.from({ length: 8 }, (_, step) => 0.01 / (step + 1)),
    );
    const kind = await module(
      "soft.mjs",
      "export default ({ step }) => (step < 4 ? 0.5 - step / 10 : 1e-9);",
    );
    const bnext = { model: "bnext", switches: { widths: [4, 8], stemStride: 2 } } as const;
    const soft = await trained({ ...bnext, form: "binary", temperature: { kind } });
    expect(soft.events.map(({ temperature }) => temperature)).toEqual(
      [0.5, 0.4, 0.3, 0.2, 1e-9, 1e-9, 1e-9, 1e-9].map((value) => expect.closeTo(value, 12)),
    );
  });

  it("any scalar input of a network of one's own follows a schedule", async () => {
    const network = graph.network("gained", [1, 3, 32, 32], (b, x) => {
      const gain = b.input("gain", []);
      const pixels = b.op("reshape", [x], { shape: [-1, 3 * 32 * 32] });
      return b.op("mul", [graph.linear(b, "fc", pixels, 36), gain]);
    });
    const scalars = { gain: await module("gain.mjs", "export default ({ step }) => 1 + step;") };
    const { events } = await trained({ scalars }, { model: network });
    expect(events.map((event) => event.scalars)).toEqual(
      Array.from({ length: 8 }, (_, step) => ({ gain: 1 + step })),
    );
    const gain = () => 2;
    const given = await trained({}, { model: network, schedules: { gain } });
    expect(given.events.at(-1)?.scalars).toEqual({ gain: 2 });
    await expect(trained({}, { model: network })).rejects.toThrow(
      /scalar input "gain" that nothing sets: a schedule is wanted/,
    );
    const none = { schedules: { gian: gain } };
    await expect(trained({}, { model: network, ...none })).rejects.toThrow(
      /unknown scalar input of the network "gian": did you mean "gain"/,
    );
    const odd = { schedules: { gain: ({ step }: { step: number }) => (step ? Number.NaN : 1) } };
    await expect(trained({}, { model: network, ...odd })).rejects.toThrow(
      /the schedule of gain gives NaN at step 2, epoch 1/,
    );
  });

  it("of a stage is found again from another folder", async () => {
    const kind = await module("stage.mjs", lion);
    const stages = [
      { name: "first", overrides: { optimiser: { kind: "./stage.mjs" }, epochs: 1 } },
    ];
    const before = process.cwd();
    process.chdir(path(""));
    const { out } = await trained({ stages }).finally(() => process.chdir(before));
    const record = JSON.parse(await readFile(join(out, "first", "run.json"), "utf8"));
    const address = expect.stringContaining(`${pathToFileURL(kind).href}?sha256=`);
    expect(record.recipe.optimiser.kind).toEqual(address);
    expect(record.stage.of.stages[0].overrides.optimiser.kind).toEqual(address);
  });

  it("a run does not go on with other code", async () => {
    const own = await module("same.mjs", "export default (image) => image;");
    const { out } = await trained({ augment: { own } });
    await module("same.mjs", "export default (image) => image; // changed");
    await expect(trained({ augment: { own } }, { out, resume: true })).rejects.toThrow(
      /cannot go on with another recipe.augment.own/,
    );
  });

  it.each([
    [{ optimiser: { kind: "missing.mjs" } }, /module that cannot be read.*missing.mjs/],
    [
      { optimiser: { kind: "none.mjs" } },
      /none.mjs: has no default export; an optimiser is wanted/,
    ],
    [{ optimiser: { kind: "half.mjs" } }, /half.mjs: its default export's "moments" is undefined/],
    [{ loss: "broken.mjs" }, /broken.mjs: cannot be loaded as a loss/],
    [{ augment: { own: "broken.mjs" } }, /broken.mjs: cannot be loaded as an augmentation/],
    [{ augment: { own: "text.mjs" } }, /text.mjs: its default export is string/],
    [{ schedule: { kind: "broken.mjs" } }, /broken.mjs: cannot be loaded as a schedule/],
    [
      { optimiser: { rates: [{ pattern: "stem.*", factor: 0.1 }] } },
      /rate "stem.\*": linear has no such tensor: There are/,
    ],
    [{ optimiser: { kind: "bop" } }, /bop is for binary weights alone, and "fc.weight" is none/],
    [{ augment: { own: true } }, /augment.own.module: "" must be the path of a module/],
    [{ augment: { own: "grain" } }, /"grain" must be the path of a module/],
  ])("are refused before anything is written: %j", async (overrides, message) => {
    await module("none.mjs", "export const a = 1;");
    await module("half.mjs", "export default { step() {} };");
    await module("broken.mjs", "export default (");
    await module("text.mjs", "export default 'grain';");
    const text = JSON.stringify(overrides).replace(/"([\w-]+\.mjs)"/, (_, name) =>
      JSON.stringify(path(name)),
    );
    const out = newRun();
    await expect(trained(JSON.parse(text), { out })).rejects.toThrow(message);
    await expect(readFile(join(out, "run.json"))).rejects.toThrow(/ENOENT/);
  });

  it.each([
    ["() => { throw new RangeError('odd') }", /\.mjs fails: RangeError: odd/],
    ["async (image) => image", /returns a promise: an image of/],
    ["() => null", /returns null: an image of 32x32 pixels and 3 channels is wanted/],
    [
      "(image) => ({ ...image, data: Float32Array.of(NaN) })",
      /returns width 32, height 32, channels 3, data Float32Array\(1\)/,
    ],
  ])("an augmentation that fails says for which image: %s", async (code, message) => {
    const own = await module(`${basename(newRun())}.mjs`, `export default ${code};`);
    const failed = trained({ augment: { own } });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toThrow(/augment.own, given .* \(image \d+; epoch 1, seed 0\): /);
    await expect(failed).rejects.not.toThrow(UsageError);
  });

  it.each<[string, RecipeOverrides, RegExp]>([
    [
      "() => { throw new Error('odd') }",
      { loss: "CODE" },
      /the loss "function of .*\.mjs" failed while it was added: odd/,
    ],
    [
      "({ step }) => { if (step < 5) return 1e-3; throw new Error('odd'); }",
      { schedule: { kind: "CODE" } },
      /the schedule of learningRate fails at step \d, epoch 2: odd/,
    ],
    [
      "async () => 1e-3",
      { schedule: { kind: "CODE" } },
      /the schedule of learningRate gives a promise at step 1, epoch 1/,
    ],
    [
      "{ moments: () => [], step() { throw new Error('odd'); } }",
      { optimiser: { kind: "CODE" } },
      /the optimiser .*\.mjs fails in step 1: odd\. .*checkpoint/,
    ],
    [
      "{ moments: () => [], step: ({ weights }, { step, start, end }) => { if (step > 2) weights.fill(NaN, start, end) } }",
      { optimiser: { kind: "CODE" } },
      /the optimiser .*\.mjs makes a weight NaN in step 3 \(learning rate 0\.0/,
    ],
    [
      "async () => { throw new Error('odd'); }",
      { loss: "CODE" },
      /the loss .*\.mjs" returns "\[object Promise\]", which is no value of the graph/,
    ],
    [
      "async () => { throw new Error('odd'); }",
      { schedule: { kind: "CODE" } },
      /the schedule of learningRate gives a promise at step 1, epoch 1/,
    ],
    [
      "async () => { throw new Error('odd'); }",
      { targets: "CODE" },
      /the targets of image \d+ .* in epoch 1 are a promise/,
    ],
    [
      "{ moments: () => [], async step() { throw new Error('odd'); } }",
      { optimiser: { kind: "CODE" } },
      /the optimiser .*\.mjs gives a promise in step 1: the weights must be changed when it returns/,
    ],
    [
      "{ async moments() { throw new Error('odd'); }, step() {} }",
      { optimiser: { kind: "CODE" } },
      /\.mjs: its moments are a promise: a list of names/,
    ],
    [
      "{ moments: () => 5, step() {} }",
      { optimiser: { kind: "CODE" } },
      /\.mjs: its moments are 5: a list of names/,
    ],
    [
      "{ moments: () => ['a/b'], step() {} }",
      { optimiser: { kind: "CODE" } },
      /\.mjs: its moments are \["a\/b"\]: a list of names/,
    ],
    [
      "{ moments() { throw new Error('odd'); }, step() {} }",
      { optimiser: { kind: "CODE" } },
      /\.mjs: its moments fail: odd/,
    ],
  ])("code that fails is named, with its step: %s", async (code, overrides, message) => {
    const file = await module(`${basename(newRun())}.mjs`, `export default ${code};`);
    const text = JSON.stringify(overrides).replace('"CODE"', JSON.stringify(file));
    await expect(trained(JSON.parse(text))).rejects.toThrow(message);
  });
});
