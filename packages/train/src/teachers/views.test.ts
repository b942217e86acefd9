import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate } from "onebit/graph";
import { encodeFloatModel, floatModelGraph } from "onebit/models";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { expectClose } from "../../../core/src/test-support/close.js";
import { openLoader, preprocessFor } from "../data/index.js";
import { resolveRecipe } from "../recipes/index.js";
import {
  loadFloatModel,
  loadTensors,
  recordedRun,
  type TrainEvent,
  type TrainOptions,
  train,
} from "../run/index.js";
import { barsData } from "../test-support/bars.js";
import { mixedLogits } from "./mixed-logits.js";
import { Teacher } from "./teacher.js";

let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-views-"));
  const plain = resolveRecipe("plain", { epochs: 2, batch: 32, microBatch: 16, form: "real" });
  const common = { model: "linear", data: barsData, threads: 1, dataWorkers: 0 };
  await train(plain, { ...common, out: path("teacher"), seed: 1 });
  await train(plain, { ...common, out: path("other"), seed: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const recipe = resolveRecipe("quickstart", {
  ...{ epochs: 5, batch: 32, microBatch: 16, loss: "distribution" },
  ...{ schedule: { learningRate: 0.01 }, temperature: { binaryAt: 0.3 }, augment: { pad: 1 } },
});

function student(out: string, more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: { name: "bnext", widths: [8, 8, 16] },
    ...{ data: barsData, out: path(out), threads: 1, dataWorkers: 0, evaluationBatch: 20, seed: 3 },
    ...{ teachers: [path("teacher")], teacherViews: 2, teacherCache: path("kept") },
    ...more,
  };
}

const folders = async () => (await readdir(path("kept"))).toSorted();

describe("views of images that teachers were asked about once", () => {
  it("hold what the teacher says of them, and are asked for once", async () => {
    const views: unknown[] = [];
    const onEvent = (event: TrainEvent) => void (event.event === "views" && views.push(event));
    const answer = vi.spyOn(Teacher.prototype, "answer");
    await train(recipe, student("first", { onEvent }));
    expect(views).toEqual([0, 1].map((done) => ({ event: "views", done, of: 2 })));
    // 150 images in batches of 16, twice.
    expect(answer).toHaveBeenCalledTimes(20);
    const [kept] = await folders();
    const bytes = await readFile(path(`kept/${kept}/view-1.f16`));
    expect(bytes.length).toBe(2 * 150 * 4 + 32);

    const model = await loadFloatModel(path("teacher"));
    const stream = openLoader(barsData, { workers: 0 }).batches({
      ...{ split: "train", batch: 150, preprocess: preprocessFor(barsData), shuffle: false },
      ...{ augment: recipe.augment, seed: 3, view: 1 },
    });
    for await (const { images } of stream) {
      const x = { shape: [150, 1, 8, 8], data: images };
      const { logits } = evaluate(floatModelGraph(model, 150), { x }, model.tensors).outputs;
      const halves = new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 1200));
      const read = Array.from(halves, (half) => {
        const exponent = (half >> 10) & 31;
        const size = exponent ? (1 + (half & 1023) / 1024) * 2 ** (exponent - 15) : half / 2 ** 24;
        return half & 0x8000 ? -size : size;
      });
      expectClose(read, logits.data, 2 ** -11, "logits");
    }

    answer.mockClear();
    await train(recipe, student("second", { onEvent }));
    expect(answer).not.toHaveBeenCalled();
    expect(await loadTensors(path("second"))).toEqual(await loadTensors(path("first")));
  });

  it("are the same in a run that goes on, mixed images included", async () => {
    const mixing = { ...recipe, augment: { ...recipe.augment, mixup: true } };
    await train(mixing, student("whole"));
    const stop = new AbortController();
    const onEvent = (event: TrainEvent) => {
      if (event.event === "epoch" && event.epoch === 2) stop.abort();
    };
    const part = student("part", { signal: stop.signal, onEvent });
    await expect(train(mixing, part)).rejects.toThrow(/stopped/);
    await train(mixing, student("part", { resume: true }));
    expect(await loadTensors(path("part"))).toEqual(await loadTensors(path("whole")));
    // Mixing is of batches: the same views serve.
    expect(await folders()).toHaveLength(1);
  });

  it("of another seed, or of another teacher, are others, which is said", async () => {
    const notes: string[] = [];
    const onEvent = (event: TrainEvent) =>
      void (event.event === "warning" && notes.push(event.message));
    const short = { ...recipe, epochs: 1, temperature: { ...recipe.temperature, binaryAt: 0 } };
    await train(short, student("seed", { seed: 4, onEvent }));
    expect(notes.join("\n")).toMatch(/holds what it said with another seed: it is asked anew/);
    await train(short, student("teacher-2", { teachers: [path("other")] }));
    expect(await folders()).toHaveLength(3);
  });

  it("serve every stage, and a run that goes on knows where they are", async () => {
    const short = { ...recipe, epochs: 1, temperature: { ...recipe.temperature, binaryAt: 0 } };
    const staged = {
      ...short,
      stages: [{ name: "first-step", overrides: { form: "real" } }],
    } as const;
    const answer = vi.spyOn(Teacher.prototype, "answer");
    answer.mockClear();
    await train(staged, student("stages/run", { teacherCache: undefined, teacherViews: 1 }));
    expect(answer).toHaveBeenCalledTimes(10);
    expect(await readdir(path("stages/teacher-views"))).toHaveLength(1);
    expect(await recordedRun(path("stages/run"))).toMatchObject({
      ...{ teacherViews: 1, teacherCache: path("stages/teacher-views") },
    });
  });

  it("that are damaged are refused; removed, they are asked for again", async () => {
    const [kept] = await Promise.all(
      (await folders()).map(async (name) => {
        const key = JSON.parse(await readFile(path(`kept/${name}/key.json`), "utf8"));
        return { name, seed: key.seed, time: (await stat(path(`kept/${name}`))).birthtimeMs };
      }),
    ).then((all) => all.filter(({ seed }) => seed === 3).toSorted((a, b) => a.time - b.time));
    const file = path(`kept/${kept.name}/view-0.f16`);
    const bytes = await readFile(file);
    bytes[7] ^= 1;
    await writeFile(file, bytes);
    await expect(train(recipe, student("damaged"))).rejects.toThrow(
      /view-0\.f16: .* is damaged, or .*: delete it/,
    );
    await copyFile(path(`kept/${kept.name}/view-1.f16`), file);
    await expect(train(recipe, student("swapped"))).rejects.toThrow(
      /view-0\.f16: .* of another view or teacher: delete it/,
    );
    await rm(file);
    await train(recipe, student("mended"));
    expect(await loadTensors(path("mended"))).toEqual(await loadTensors(path("first")));
  });

  it("that half precision does not hold are refused, and not kept", async () => {
    const model = await loadFloatModel(path("teacher"));
    for (const { data } of Object.values(model.tensors)) data.set(data.map((w) => w * 1e6));
    await writeFile(path("loud.safetensors"), encodeFloatModel(model));
    const loud = { teachers: [path("loud.safetensors")], teacherCache: path("loud") };
    await expect(train(recipe, student("deaf", loud))).rejects.toThrow(
      /teacher .*loud\.safetensors: a logit of a view is -?\d.*65,504: leave out --teacher-views/,
    );
    expect(await readdir(path("loud"), { recursive: true })).not.toContainEqual(
      expect.stringContaining(".f16"),
    );
  });

  it.each<[string, Partial<TrainOptions>, string | RegExp]>([
    ["no teacher", { teachers: [] }, "--teacher-views is of no use without --teacher"],
    ["no views", { teacherViews: 0 }, "teacherViews is 0"],
    ["a folder for none", { teacherViews: undefined }, "--teacher-cache is of no use without"],
    [
      "maps",
      {
        loss: (b, outputs, inputs) => {
          const gap = b.op("mul", [outputs.get("logits"), inputs.get("teacher0.logits")]);
          const more = b.op("mean", [inputs.get("teacher0.features")]);
          return b.op("add", [b.op("mean", [gap]), more]);
        },
      },
      'keeps logits only, and the loss asks for "teacher0.features"',
    ],
  ])("refuses %s", async (_, more, message) => {
    await expect(train(recipe, student("refused", more))).rejects.toThrow(message);
    await expect(stat(path("refused"))).rejects.toThrow("ENOENT");
  });

  it("are as many in a run that goes on", async () => {
    const other = student("whole", { resume: true, teacherViews: 3 });
    const mixing = { ...recipe, augment: { ...recipe.augment, mixup: true } };
    await expect(train(mixing, other)).rejects.toThrow(/another teacherViews \(2, now 3\)/);
  });
});

it("mixes what was said as labels are mixed", () => {
  const mixed = { partner: Int32Array.of(1, 0), weight: Float32Array.of(0.75, 0.25) };
  const p = [
    [0.2, 0.3, 0.5],
    [0.6, 0.3, 0.1],
  ];
  const logits = Float32Array.from(p.flat(), (value, i) => Math.log(value) + (i < 3 ? 5 : -2));
  const wanted = [0, 1].flatMap((n) => {
    const w = mixed.weight[n];
    return p[n].map((own, c) => w * own + (1 - w) * p[1 - n][c]);
  });
  expectClose(mixedLogits(logits, mixed).map(Math.exp), wanted, 1e-6, "probabilities");
});
