import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { load, OnebitError, UsageError } from "onebit";
import { readOnebit, writeOnebit } from "onebit/file";
import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import * as ort from "onnxruntime-web";
import { rolldown } from "rolldown";
import { describe, expect, it } from "vitest";
import { rng } from "../data/random.js";
import { softmaxRegression } from "../retrain/softmax-regression.js";
import { initialTensors } from "../state/index.js";
import { Examples, retrainBlock, retrainHead, trainExamples, webRuntime } from "./index.js";

ort.env.wasm.numThreads = 1;
const runtime = webRuntime(ort);
const SHAPES = ["stripes", "bars", "spot"];

/** A noisy picture of one of three shapes, at a random place in random colours. */
function picture(shape: string, seed: number) {
  const random = rng(seed, shape);
  const [width, height] = [40, 36];
  const [period, phase] = [7 + random.integer(3), random.integer(9)];
  const [x0, y0] = [12 + random.integer(16), 10 + random.integer(16)];
  const ink = [0, 1, 2].map(() => 150 + random.integer(100));
  const isInk = (x: number, y: number) => {
    if (shape === "spot") return Math.hypot(x - x0, y - y0) < 9;
    return ((shape === "stripes" ? y : x) + phase) % period < period / 2;
  };
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (isInk(x, y) ? ink[i % 3] : 40) + random.integer(40);
  });
  return { width, height, data };
}

async function collected(each: number): Promise<Examples> {
  const examples = new Examples({ side: 32 });
  for (const shape of SHAPES)
    for (let i = 0; i < each; i++) await examples.add(shape, picture(shape, i));
  return examples;
}

/** Another, of 32 pixels in grey, that nobody has trained: what it sees is projected at random. */
async function untrained(outputs?: (name: string) => boolean): Promise<Uint8Array> {
  const graph = buildModel("bnext", {
    ...{ widths: [16, 16, 32, 64], stemStride: 2, latentStd: 0.05, classes: 5, input: [1, 32, 32] },
  });
  const { program, tensors } = pack(graph, initialTensors(graph, 1), { temperature: 1e-8 });
  const kept = Object.entries(program.outputs).filter(([name]) => outputs?.(name) ?? true);
  return writeOnebit({
    ...{ program: { ...program, outputs: Object.fromEntries(kept) }, tensors },
    preprocess: {
      ...{ size: [32, 32], channels: 1, resize: 32, crop: "center", interpolation: "bilinear" },
      ...{ mean: [0.5], std: [0.25] },
    },
    labels: ["a", "b", "c", "d", "e"],
    card: { name: "untrained" },
  });
}

/** The share of new pictures that a file's network names. */
async function right(bytes: Uint8Array): Promise<number> {
  using model = await load(bytes, { backend: "reference" });
  const asked = SHAPES.flatMap((shape) =>
    [101, 102, 103, 104].map((seed) => [shape, seed] as const),
  );
  const answers = await model.classify(asked.map(([shape, seed]) => picture(shape, seed)));
  return answers.filter(([best], i) => best.label === asked[i][0]).length / asked.length;
}

describe("examples", () => {
  it("are kept as they were, counted and taken away", async () => {
    const examples = new Examples({ side: 16 });
    const shown = picture("spot", 1);
    await examples.add("b", shown);
    await examples.add("a", picture("bars", 1));
    await examples.add("b", picture("spot", 2));
    shown.data.fill(0);
    expect(examples.labels).toEqual(["b", "a"]);
    expect([examples.count(), examples.count("b"), examples.count("c")]).toEqual([3, 2, 0]);
    expect(examples.remove("a")).toBe(true);
    expect(examples.remove("a")).toBe(false);
    expect(examples.labels).toEqual(["b"]);
    await examples.add("a", picture("bars", 3));
    for (const n of [4, 5]) await examples.add("a", picture("bars", n));
    await examples.add("b", picture("spot", 3));
    const { train, held } = examples.divide(0.2, 1);
    expect([train.length, held.length]).toEqual([4, 2]);
    for (const { image } of train) {
      expect([image.width, image.height, image.channels]).toEqual([16, 16, 3]);
      expect(Math.max(...image.data)).toBeGreaterThan(100);
    }
    expect(held.map(({ label }) => label)).toEqual([0, 1]);
    expect(examples.divide(0.2, 1)).toEqual({ train, held });
  });

  it("are refused where they are none, or too few", async () => {
    const examples = new Examples();
    await expect(examples.add("", picture("spot", 1))).rejects.toThrow(
      /label "": the name of a class/,
    );
    await expect(examples.add("a", "spot.png" as never)).rejects.toThrow(/image: "spot.png"/);
    await examples.add("a", picture("spot", 1));
    expect(() => examples.divide(0.2, 0)).toThrow(/two classes or more are wanted; there are: "a"/);
    await examples.add("b", picture("bars", 1));
    expect(() => examples.divide(0.2, 0)).toThrow(
      new UsageError('"a" has 1 picture: 3 or more are wanted, 1 of them to be held back'),
    );
    expect(() => examples.divide(1, 0)).toThrow(/heldBack 1: /);
    expect(() => new Examples({ side: 4 })).toThrow(/side 4/);
  });
});

describe("a small network", () => {
  it("learns three shapes, tells its epochs, and is packed for everywhere", async () => {
    const seen: number[] = [];
    const trained = await trainExamples(runtime, await collected(20), {
      epochs: 15,
      size: [24, 24],
      onEpoch: ({ epoch, epochs, loss, top1, heldTop1 }) => {
        seen.push(epoch);
        expect(epochs).toBe(15);
        expect(loss).toBeGreaterThan(0);
        expect(top1).toBeLessThanOrEqual(1);
        expect(heldTop1).toBeLessThanOrEqual(1);
      },
    });
    expect(seen).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    expect(trained.labels).toEqual(SHAPES);
    expect(trained.held).toBe(12);
    expect(trained.heldTop1).toBeGreaterThan(0.9);
    expect(trained.bytes.length).toBeLessThan(40_000);
    expect(await right(trained.bytes)).toBeGreaterThan(0.9);
  }, 120_000);

  it("is the same once more, stops when it is told to, and wants what it needs", async () => {
    const examples = await collected(4);
    const options = { epochs: 2, size: [16, 16], heldBack: 0 } as const;
    const [one, other] = [
      await trainExamples(runtime, examples, options),
      await trainExamples(runtime, examples, options),
    ];
    expect(one.bytes).toEqual(other.bytes);
    expect(one.heldTop1).toBeUndefined();
    const abort = new AbortController();
    const stopping = trainExamples(runtime, examples, {
      ...options,
      signal: abort.signal,
      onEpoch: () => abort.abort(new Error("that will do")),
    });
    await expect(stopping).rejects.toThrow("that will do");
    for (const [wrong, message] of [
      [{ epochs: 0 }, /epochs 0: must be a whole number/],
      [{ learningRate: -1 }, /learningRate -1: must be above 0/],
      [{ model: "bnxt" }, /unknown model "bnxt"/],
      [{ augment: { flop: 1 } }, /flop/],
    ] as const) {
      await expect(trainExamples(runtime, examples, { ...options, ...wrong })).rejects.toThrow(
        message,
      );
    }
  }, 60_000);
});

describe("another classifier", () => {
  it("is put on a packed network, which stays as it was before it", async () => {
    const bytes = await untrained();
    const { bytes: made, heldTop1, held } = await retrainHead(bytes, await collected(15));
    expect(held).toBe(9);
    expect(heldTop1).toBeGreaterThan(0.85);
    expect(await right(made)).toBeGreaterThan(0.85);
    const [old, file] = [await readOnebit(bytes), await readOnebit(made)];
    expect(file.labels).toEqual(SHAPES);
    expect(file.preprocess).toEqual(old.preprocess);
    expect(file.card).toMatchObject({ name: "untrained", retrained: { part: "classifier" } });
    using before = await load(bytes);
    using after = await load(made);
    const shown = picture("spot", 7);
    const [{ features }, { features: same }] = [
      await before.features(shown),
      await after.features(shown),
    ];
    expect(same).toEqual(features);
    const again = await retrainHead(made, await collected(5));
    expect(again.labels).toEqual(SHAPES);
  });

  it("wants a network that ends in one", async () => {
    const { program, tensors, ...file } = await readOnebit(await untrained());
    const headless = { ...program, outputs: { logits: program.outputs.features } };
    const other = await writeOnebit({ ...file, program: headless, tensors, labels: undefined });
    const examples = await collected(4);
    await expect(retrainHead(other, examples)).rejects.toThrow(/logits come from a step of kind/);
    const { preprocess: _, ...bare } = await readOnebit(await untrained());
    await expect(retrainHead(await writeOnebit(bare), examples)).rejects.toThrow(/prepared/);
    await expect(retrainHead(new Uint8Array(9), examples)).rejects.toBeInstanceOf(OnebitError);
  });

  it("is where the slope of what it minimises is 0", async () => {
    const random = rng(5, "regression");
    const inputs = Array.from({ length: 30 }, () =>
      Float32Array.from({ length: 4 }, (_, i) => (i + 1) * random.normal() + i),
    );
    const labels = inputs.map(([a, b]) => (a > 0.3 ? 0 : b > 1 ? 1 : 2));
    const { weight, bias } = await softmaxRegression(inputs, labels, {
      ...{ classes: 3, penalty: 0.05, iterations: 3000 },
    });
    const deviation = [0, 1, 2, 3].map((i) => {
      const column = inputs.map((x) => x[i]);
      const mean = column.reduce((a, b) => a + b) / column.length;
      return Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length);
    });
    const loss = (w: readonly number[], c: readonly number[]) => {
      const each = inputs.map((x, n) => {
        const scores = [0, 1, 2].map((k) => c[k] + x.reduce((s, v, i) => s + v * w[4 * k + i], 0));
        return Math.log(scores.reduce((s, z) => s + Math.exp(z), 0)) - scores[labels[n]];
      });
      const squares = w.reduce((s, v, i) => s + (v * deviation[i % 4]) ** 2, 0);
      return each.reduce((a, b) => a + b) / each.length + (0.05 / 2) * squares;
    };
    const [w, c] = [[...weight], [...bias]];
    const h = 1e-3;
    const moved = (list: readonly number[], at: number, by: number) =>
      list.map((value, i) => (i === at ? value + by : value));
    for (let i = 0; i < w.length; i++) {
      const slope = (loss(moved(w, i, h), c) - loss(moved(w, i, -h), c)) / (2 * h);
      expect(Math.abs(slope), `weight ${i}`).toBeLessThan(1e-4);
    }
    for (let k = 0; k < 3; k++) {
      const slope = (loss(w, moved(c, k, h)) - loss(w, moved(c, k, -h))) / (2 * h);
      expect(Math.abs(slope), `bias ${k}`).toBeLessThan(1e-4);
    }
  });
});

describe("another last block", () => {
  it("is trained on what a packed network sees, and packed with it", async () => {
    const bytes = await untrained();
    const { bytes: made, heldTop1 } = await retrainBlock(runtime, bytes, await collected(20), {
      epochs: 25,
    });
    expect(heldTop1).toBeGreaterThan(0.85);
    expect(await right(made)).toBeGreaterThan(0.85);
    using before = await load(bytes);
    using after = await load(made);
    expect(Object.keys(after.outputs).sort()).toEqual(Object.keys(before.outputs).sort());
    const shown = picture("bars", 9);
    const [old, now] = [await before.features(shown), await after.features(shown)];
    expect(now["stage-4"]).toEqual(old["stage-4"]);
    expect(now["stage-8"]).not.toEqual(old["stage-8"]);
    expect((await readOnebit(made)).card).toMatchObject({ retrained: { part: "last block" } });
  }, 120_000);

  it("wants feature maps", async () => {
    const bytes = await untrained((name) => !name.startsWith("stage"));
    await expect(retrainBlock(runtime, bytes, await collected(4))).rejects.toThrow(
      /two feature maps or more .* are wanted; this network's outputs are .*retrain its head/,
    );
  });
});

it("runs in a page: nothing of Node, and no package that a page lacks", async () => {
  const built = fileURLToPath(new URL("../../dist/web/index.js", import.meta.url));
  const bundle = await rolldown({
    input: built,
    platform: "browser",
    external: [/^node:/, /\/platform\/node/, /^onebit/],
  });
  const { output } = await bundle.generate({ format: "esm" });
  const imports = output.flatMap((file) => (file.type === "chunk" ? file.imports : []));
  const foreign = imports.filter((path) => !output.some(({ fileName }) => fileName === path));
  expect(foreign.filter((path) => !/^onebit(\/|$)/.test(path))).toEqual([]);
  expect(await readFile(built, "utf8")).toContain("trainExamples");
});
