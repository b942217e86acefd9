import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate } from "onebit/graph";
import { type Preprocess, preprocess } from "onebit/image";
import { encodeFloatModel, floatModelGraph } from "onebit/models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectClose } from "../../../core/src/test-support/close.js";
import { openLoader, preprocessFor } from "../data/index.js";
import { resolveRecipe } from "../recipes/index.js";
import { loadFloatModel, loadTensors, readRun, type TrainOptions, train } from "../run/index.js";
import { barsData } from "../test-support/bars.js";
import { assistantAt } from "./choice.js";
import { teacherImages } from "./teacher-images.js";
import { Teachers } from "./teachers.js";

let folder: string;
const path = (name: string) => join(folder, name);
const quick = { epochs: 3, batch: 32, microBatch: 16, augment: { pad: 1 } } as const;

/** Two linear teachers of bars, the second with its classes in another order. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-teachers-"));
  const recipe = resolveRecipe("plain", {
    ...quick,
    form: "real",
    schedule: { learningRate: 0.01 },
  });
  const common = { model: "linear", data: barsData, threads: 1, dataWorkers: 0 };
  await train(recipe, { ...common, out: path("weak"), seed: 1 });
  await train({ ...recipe, epochs: 12 }, { ...common, out: path("strong"), seed: 2 });
  const strong = await loadFloatModel(path("strong"));
  const labels = strong.labels.toReversed();
  await writeFile(path("turned.safetensors"), encodeFloatModel({ ...strong, labels }));
  const others = ["cat", "dog", "fish", "bird"];
  await writeFile(path("animals.safetensors"), encodeFloatModel({ ...strong, labels: others }));
  const damaged = structuredClone(strong);
  Object.values(damaged.tensors)[0].data[0] = Number.NaN;
  await writeFile(path("damaged.safetensors"), encodeFloatModel(damaged));
  await mkdir(path("empty"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const where = { dataset: barsData, epochs: 6, threads: 1 };

async function aBatch() {
  const own = preprocessFor(barsData);
  const loader = openLoader(barsData, { workers: 0 });
  const stream = loader.batches({ split: "test", batch: 8, preprocess: own });
  for await (const batch of stream) return { ...batch, own };
  throw new Error("no batch");
}

describe("teachers", () => {
  it("say what their networks compute, in the order of the data's classes", async () => {
    const { own, ...batch } = await aBatch();
    const { images } = batch;
    const teachers = await Teachers.open(
      { teachers: [path("strong"), path("turned.safetensors")] },
      where,
    );
    try {
      const asked = ["teacher0.logits", "teacher1.logits", "teacher0.features"];
      const said = await teachers.answer(0, batch, { own, asked });
      const model = await loadFloatModel(path("strong"));
      const graph = floatModelGraph(model, 8);
      const x = { shape: [8, 1, 8, 8], data: images };
      const { logits, features } = evaluate(graph, { x }, model.tensors).outputs;
      expectClose(said["teacher0.logits"], logits.data, 1e-5, "logits");
      expectClose(said["teacher0.features"], features.data, 1e-5, "features");
      const turned = Array.from({ length: 32 }, (_, i) => logits.data[i - (i % 4) + 3 - (i % 4)]);
      expectClose(said["teacher1.logits"], turned, 1e-5, "turned");
      expect(teachers.inputs(8)).toMatchObject({ "teacher1.logits": [8, 4] });
      const [first] = teachers.records;
      expect(first.top1).toBeCloseTo((await readRun(path("strong"))).result!.best.top1, 6);
    } finally {
      await teachers.dispose();
    }
  });

  it("see the student's pixels in their own size, colours and normalisation", () => {
    const own: Preprocess = {
      ...{ size: [6, 9], resize: [6, 9], channels: 3, crop: "none", interpolation: "bilinear" },
      ...{ mean: [0.48, 0.45, 0.4], std: [0.2, 0.25, 0.3] },
    };
    const data = Uint8Array.from({ length: 162 }, (_, i) => (i * 89) % 256);
    const image = { data, width: 9, height: 6, channels: 3 };
    const seen = preprocess(image, own);
    const wishes: Partial<Preprocess>[] = [
      { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      { channels: 1, mean: [0.1], std: [0.7] },
      { size: [13, 7], interpolation: "bicubic" },
    ];
    for (const wish of wishes) {
      const wanted = { ...own, ...wish };
      const directly = preprocess(image, { ...wanted, resize: [...wanted.size] });
      expect(teacherImages(seen, own, wanted)).toEqual(directly);
    }
    expect(teacherImages(seen, own, { ...own, resize: 300, crop: "center" })).toBe(seen);
  });

  it("assistants take turns at equal segments", () => {
    for (const [epochs, count] of [
      [512, 1],
      [512, 2],
      [512, 3],
      [7, 3],
      [3, 3],
    ]) {
      for (let e = 0; e < epochs; e++) {
        // As the official code has it: assistant e // (E / A).
        expect(assistantAt(e, epochs, count)).toBe(Math.floor(e / (epochs / count)));
      }
    }
  });
});

/** A student of an assistant that changes, and of a teacher. */
function student(out: string, more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: { name: "bnext", widths: [8, 8, 16] },
    ...{ data: barsData, out: path(out), threads: 1, dataWorkers: 0, evaluationBatch: 20, seed: 3 },
    assistants: [path("weak"), path("turned.safetensors")],
    teachers: [path("strong")],
    ...more,
  };
}

const recipe = resolveRecipe("quickstart", {
  ...{ epochs: 4, batch: 32, microBatch: 16, loss: "gap-aware(form=as-intended)" },
  ...{ schedule: { learningRate: 0.01 }, temperature: { binaryAt: 0.3 } },
});

describe("a training with teachers", () => {
  it("goes on bit for bit where it stopped, in mid-segment, and records who taught", async () => {
    await train(recipe, student("whole"));
    const stop = new AbortController();
    const halfway = student("parts", {
      signal: stop.signal,
      onEvent: (event) => {
        if (event.event === "epoch" && event.epoch === 3) stop.abort();
      },
    });
    await expect(train(recipe, halfway)).rejects.toThrow(/stopped/);
    await train(recipe, student("parts", { resume: true }));
    const [whole, parts] = await Promise.all(
      ["whole", "parts"].map((run) => loadTensors(path(run))),
    );
    expect(parts).toEqual(whole);
    const { teachers } = await readRun(path("whole"));
    expect(teachers!.map(({ role, path: file }) => [role, file])).toEqual([
      ["assistant", path("weak")],
      ["assistant", path("turned.safetensors")],
      ["teacher", path("strong")],
    ]);
  });

  it.each<[string, Partial<TrainOptions>, string | RegExp]>([
    [
      "a missing file",
      { teachers: ["nowhere.onnx"] },
      "teacher nowhere.onnx: there is no such file",
    ],
    ["a file of another kind", { teachers: [import.meta.filename] }, /teachers\.test\.ts/],
    [
      "weights that are no numbers, naming the file",
      { teachers: ["damaged.safetensors"] },
      /^teacher .*damaged\.safetensors: .*NaN/,
    ],
    [
      "a folder that holds no run",
      { teachers: ["empty"] },
      /^teacher .*empty: is a folder without best/,
    ],
    [
      "other classes",
      { teachers: ["animals.safetensors"] },
      /animals.*horizontal.*cat|animals.*cat.*horizontal/s,
    ],
    [
      "more assistants than epochs",
      { assistants: Array(5).fill("weak") },
      "5 assistants in 4 epochs",
    ],
    [
      "a loss that asks nobody",
      { loss: (b, outputs) => b.op("mean", [outputs.get("logits")]) },
      "does not ask it",
    ],
    [
      "no teacher",
      { teachers: [], assistants: [] },
      /the loss "gap-aware\(form=as-intended\)" of recipe quickstart asks a teacher: name one, such as --teacher FILE, or train from the labels: --set loss=cross-entropy/,
    ],
  ])("refuses %s", async (_, more, message) => {
    const inFolder = (file: string) => (/[/\\]|^nowhere/.test(file) ? file : path(file));
    const { teachers = [path("strong")], assistants = [] } = more;
    const given = {
      teachers: teachers.map((t) => inFolder(t as string)),
      assistants: assistants.map((t) => inFolder(t as string)),
    };
    await expect(train(recipe, student("refused", { ...more, ...given }))).rejects.toThrow(message);
    await expect(readFile(path("refused/run.json"))).rejects.toThrow("ENOENT");
  });

  it.each(["weak", "animals.safetensors"])(
    "refuses to go on with another teacher",
    async (name) => {
      const other = student("whole", { resume: true, teachers: [path(name)] });
      await expect(train(recipe, other)).rejects.toThrow(
        /cannot go on with other teachers: it learns from .*teacher .*strong \(SHA-256 \w{12}\); now: .*teacher .*(weak|animals)/,
      );
    },
  );
});
