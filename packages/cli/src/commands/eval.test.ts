import { mkdir } from "node:fs/promises";
import type { EvaluationResult } from "@onebit/train/subjects";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder, writeIdxSplit } from "../test-support/idx.js";
import { linearNetwork, tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();

it("takes narrow maps of packed networks only, and says so", async () => {
  await writeFloatModel(path("narrow.safetensors"), tinyBnext());
  await writeIdxFolder(path("narrow-data"), { side: 8, classes: 4 });
  const data = ["--data", `idx:${path("narrow-data")}`, "--maps", "bfloat16"];
  const { status, stderr } = await onebit("eval", await packed("narrow"), ...data);
  expect(stderr).toContain("note: maps between steps are bfloat16");
  expect(status).toBe(0);
  const refused = await onebit("eval", path("narrow.safetensors"), ...data);
  expect(refused.stderr).toMatch(
    /is a float model, which runs on ONNX Runtime: leave --maps out, or pack it first/,
  );
  expect(refused.status).toBe(2);
});

/** What --json prints. */
type Evaluation = Omit<EvaluationResult, "predictions">;

async function packed(name: string): Promise<string> {
  await onebit("pack", path(`${name}.safetensors`), "-o", path(`${name}.onebit`));
  return path(`${name}.onebit`);
}

/** Where every evaluation runs: the packed file on each backend, and the float model. */
const engines: [string, string, string[]][] = [
  ["reference", "onebit", ["--backend", "reference"]],
  ["wasm", "onebit", ["--backend", "wasm"]],
  ["onnxruntime", "safetensors", []],
];

describe("a network whose answers are known", () => {
  // Pixel k is lit in pictures of class k; two of twelve test labels are wrong.
  const labels = Uint8Array.from([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  const shown = labels.map((label, i) => (i === 4 ? 2 : i === 9 ? 1 : label));

  beforeAll(async () => {
    const images = Uint8Array.from({ length: 12 * 16 }, (_, p) =>
      p % 16 === shown[Math.floor(p / 16)] ? 255 : 0,
    );
    await writeIdxSplit(path("known"), "train", 4, images, labels);
    await writeIdxSplit(path("known"), "t10k", 4, images, labels);
    const names = ["zero", "one", "two"];
    const network = linearNetwork({ classes: 3, input: [1, 4, 4] }, names, (k, i) => +(k === i));
    await writeFloatModel(path("known.safetensors"), network);
    await packed("known");
  });

  it.each(engines)("on %s: accuracy, loss and confusion by hand", async (engine, file, args) => {
    const data = ["--data", `idx:${path("known")}`];
    const result = await onebitJson<Evaluation>("eval", path(`known.${file}`), ...data, ...args);
    // Logits are 1 for the lit pixel, -1 for the others.
    const [right, wrong] = [Math.E, 1 / Math.E].map((e) => -Math.log(e / (Math.E + 2 / Math.E)));
    expect(result).toMatchObject({
      images: 12,
      top1: 10 / 12,
      top5: 1,
      backend: engine,
      threads: 1,
    });
    expect(result.loss).toBeCloseTo((10 * right + 2 * wrong) / 12, 5);
    expect(result.confusion).toEqual([
      [3, 1, 0],
      [0, 3, 1],
      [0, 0, 4],
    ]);
    expect(result.imagesPerSecond).toBeGreaterThan(0);
  });

  it("in words, with what was confused", async () => {
    const { status, stdout } = await onebit(
      ...["eval", path("known.onebit"), "--data", `idx:${path("known")}`],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^top-1 +83\.33 %$/m);
    expect(stdout).toMatch(/^backend +(native|wasm), 1 thread$/m);
    expect(stdout).toMatch(/^zero +one +1$/m);
  });

  it("on some of the images", async () => {
    const args = ["eval", path("known.onebit"), "--data", `idx:${path("known")}`, "--limit"];
    expect((await onebitJson<Evaluation>(...args, "5")).images).toBe(5);
    const tooMany = await onebit(...args, "13");
    expect(tooMany.status).toBe(2);
    expect(tooMany.stderr).toMatch(/cannot use 13 test images: there are 12/);
  });
});

it("agrees on every image between float, wasm and reference", async () => {
  await writeIdxFolder(path("data"), { test: 60 });
  await writeFloatModel(path("tiny.safetensors"), tinyBnext());
  await packed("tiny");
  const results: Evaluation[] = [];
  for (const [, file, args] of engines) {
    const data = ["--data", `idx:${path("data")}`];
    results.push(await onebitJson<Evaluation>("eval", path(`tiny.${file}`), ...data, ...args));
  }
  const [reference, wasm, float] = results;
  const { backend: _, imagesPerSecond: __, ...same } = reference;
  expect(wasm).toMatchObject(same);
  expect(float.confusion).toEqual(reference.confusion);
  expect(float.top1).toBe(reference.top1);
  expect(float.loss).toBeCloseTo(reference.loss, 4);
});

describe("colour pictures on a grey network", () => {
  /** Of Pillow's convert("L"). */
  const luma = { blue: ["#00f", 29], green: ["#0f0", 150], red: ["#f00", 76] } as const;
  const names = Object.keys(luma);
  /** Probabilities where logit k is k times the grey, normalised to -1 .. 1. */
  const expected = Object.values(luma).map(([, value]) => {
    const scores = names.map((_, k) => Math.exp(k * (value / 127.5 - 1)));
    return scores.map((score) => score / scores.reduce((a, b) => a + b));
  });

  beforeAll(async () => {
    const grey = linearNetwork({ classes: 3, input: [1, 1, 1] }, names, (k) => k);
    await writeFloatModel(path("grey.safetensors"), grey);
    await onebit("export", path("grey.safetensors"), "--to", "onnx", "-o", path("grey.onnx"));
    await packed("grey");
    for (const [name, [background]] of Object.entries(luma)) {
      await mkdir(path("coloured", "test", name), { recursive: true });
      const photo = sharp({ create: { width: 9, height: 7, channels: 3, background } });
      await photo.png().toFile(path("coloured", "test", name, "1.png"));
    }
  });

  it.each([...engines, ["onnx", "onnx", []] as (typeof engines)[number]])(
    "are evaluated as Pillow makes them grey (%s)",
    async (_, file, args) => {
      const data = ["--data", `folder:${path("coloured")}`];
      const { loss } = await onebitJson<Evaluation>("eval", path(`grey.${file}`), ...data, ...args);
      const losses = expected.map((probabilities, truth) => -Math.log(probabilities[truth]));
      expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 3, 5);
    },
  );

  it.each(["grey.onebit", "grey.onnx"])("are run alike (%s)", async (file) => {
    const photo = path("coloured", "test", "red", "1.png");
    const how = file.endsWith("x") ? ["--mean", "0.5", "--std", "0.5"] : [];
    type Ran = {
      readonly top: readonly { readonly index: number; readonly probability: number }[];
    };
    const [{ top }] = await onebitJson<Ran[]>("run", path(file), photo, ...how);
    for (const { index, probability } of top) {
      expect(probability).toBeCloseTo(expected[2][index], 5);
    }
  });
});

describe("an .onnx model", () => {
  it("is evaluated like any other, on some of its classes too, by their names", async () => {
    const names = ["red", "green", "blue", "other"];
    const network = linearNetwork({ classes: 4, input: [3, 8, 8] }, names, (k, i) =>
      Math.floor(i / 64) === k ? 1 / 64 : 0,
    );
    await writeFloatModel(path("colours.safetensors"), network);
    const onnx = ["--to", "onnx", "-o", path("colours.onnx")];
    await onebit("export", path("colours.safetensors"), ...onnx);
    await packed("colours");
    for (const [name, background] of [
      ["blue", "#00f"],
      ["red", "#f00"],
    ]) {
      await mkdir(path("photos", "test", name), { recursive: true });
      await mkdir(path("photos", "train", name), { recursive: true });
      const photo = sharp({ create: { width: 9, height: 9, channels: 3, background } }).png();
      for (const part of ["test", "train"]) {
        await photo.clone().toFile(path("photos", part, name, "1.png"));
      }
    }
    for (const file of ["colours.onnx", "colours.onebit"]) {
      const data = ["--data", `folder:${path("photos")}`];
      const result = await onebitJson<Evaluation>("eval", path(file), ...data);
      expect(result).toMatchObject({ images: 2, top1: 1, classes: names });
      expect(result.confusion[0]).toEqual([1, 0, 0, 0]);
      expect(result.confusion[2]).toEqual([0, 0, 1, 0]);
    }
  });
});
