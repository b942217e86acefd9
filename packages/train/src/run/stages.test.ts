import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeFloatModel } from "onebit/models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RecipeStage, resolveRecipe } from "../recipes/index.js";
import { barsData } from "../test-support/bars.js";
import type { StartEvent } from "./events.js";
import {
  loadFloatModel,
  loadTensors,
  readRun,
  recordedRun,
  type TrainOptions,
  train,
} from "./index.js";
import { stagesOf } from "./stages.js";

let folder: string;
const path = (...names: string[]) => join(folder, ...names);

/** Two linear teachers of bars, and one of other classes. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-stages-"));
  const recipe = resolveRecipe("plain", {
    ...{ epochs: 2, batch: 32, microBatch: 16, form: "real", schedule: { learningRate: 0.01 } },
  });
  const common = { model: "linear", data: barsData, threads: 1, dataWorkers: 0 };
  await train(recipe, { ...common, out: path("weak"), seed: 1 });
  await train({ ...recipe, epochs: 6 }, { ...common, out: path("strong"), seed: 2 });
  const strong = await loadFloatModel(path("strong"));
  const labels = ["cat", "dog", "fish", "bird"];
  await writeFile(path("animals.safetensors"), encodeFloatModel({ ...strong, labels }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** From the labels, then from the assistant, then from both. */
const stages: readonly RecipeStage[] = [
  { name: "labels", overrides: { loss: "cross-entropy", epochs: 3, augment: { flip: true } } },
  {
    name: "assistant",
    overrides: { form: "step1", teaching: { who: "assistants" }, schedule: { kind: "linear" } },
  },
];
const recipe = resolveRecipe("quickstart", {
  ...{ epochs: 2, batch: 32, microBatch: 16, loss: "gap-aware", stages },
  ...{ schedule: { learningRate: 0.01 } },
});

function student(out: string, more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: { name: "reactnet", widths: [8, 8], stemStride: 1 },
    ...{ data: barsData, out: path(out), threads: 1, dataWorkers: 0, evaluationBatch: 20, seed: 3 },
    ...{ assistants: [path("weak")], teachers: [path("strong")], worker: false },
    ...more,
  };
}

/** Ends in the step of a stage. */
async function stopped(
  out: string,
  stage: string | undefined,
  more: Partial<TrainOptions> = {},
  trained = recipe,
) {
  const stop = new AbortController();
  let current: string | undefined;
  const halfway = student(out, {
    ...{ signal: stop.signal, ...more },
    onEvent: (event) => {
      if (event.event === "start") current = event.stage;
      if (event.event === "step" && event.step === 5 && current === stage) stop.abort();
    },
  });
  await expect(train(trained, halfway)).rejects.toThrow(/stopped/);
}

const names = (teachers: readonly { readonly path: string }[] = []) =>
  teachers.map((teacher) => teacher.path.slice(folder.length + 1));

describe("stages", () => {
  it.each([
    [{ name: "a", overrides: {}, loss: "x" }, 'stages[0]: unknown field "loss"'],
    [{ name: "a" }, 'stages[0] is {"name":"a"}: a name and overrides'],
    [{ name: "a", overrides: { epoch: 1 } }, 'unknown field "epoch"'],
  ])("that say what nobody understands are refused: %j", (stage, message) => {
    const whole = { ...recipe, stages: [stage as RecipeStage] };
    expect(() => stagesOf(whole)).toThrow(message);
  });

  it("open whom their loss asks, and say so", async () => {
    const starts: StartEvent[] = [];
    const onEvent: TrainOptions["onEvent"] = (event) => {
      if (event.event === "start") starts.push(event);
    };
    await train(recipe, student("whole", { onEvent }));
    expect(starts.map(({ stage, teachers }) => [stage, names(teachers)])).toEqual([
      ["labels", []],
      ["assistant", ["weak"]],
      [undefined, ["weak", "strong"]],
    ]);
    const [labels, assistant, last] = await Promise.all(
      ["labels", "assistant", ""].map((stage) => readRun(path("whole", stage))),
    );
    expect(labels.recipe).toMatchObject({
      epochs: 3,
      loss: "cross-entropy",
      augment: { flip: true },
    });
    expect(assistant.recipe).toMatchObject({ epochs: 2, loss: "gap-aware", form: "step1" });
    expect(last.recipe.stages).toEqual(stages);
    for (const record of [labels, assistant, last]) {
      expect(names(record.allTeachers)).toEqual(["weak", "strong"]);
    }
    expect(labels.teachers).toBeUndefined();
    expect(last.teachers!.map(({ top1 }) => top1)).toEqual(
      await Promise.all(
        ["weak", "strong"].map(async (run) => {
          return expect.closeTo((await readRun(path(run))).result!.best.top1, 6);
        }),
      ),
    );
  });

  it.each([undefined, "labels"])("go on bit for bit where they stopped: %s", async (stage) => {
    const out = `parts-${stage}`;
    await stopped(out, stage);
    // What the run recorded is all that is needed, also of teachers that were not asked yet.
    const { teachers, assistants } = await recordedRun(path(out));
    await train(recipe, student(out, { teachers, assistants, resume: true }));
    expect(await loadTensors(path(out))).toEqual(await loadTensors(path("whole")));
  });

  it("measure a teacher once: later ones, and a resumed one, take what was recorded", async () => {
    await stopped("once", "assistant");
    const file = path("once", "assistant", "run.json");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/"top1": [\d.]+/g, '"top1": 0.125'));
    const tops: (number | null)[] = [];
    const onEvent: TrainOptions["onEvent"] = (event) => {
      if (event.event === "start") tops.push(...event.teachers.map(({ top1 }) => top1));
    };
    await train(recipe, student("once", { resume: true, onEvent }));
    const { best } = (await readRun(path("strong"))).result!;
    expect(tops).toEqual([0.125, 0.125, expect.closeTo(best.top1, 6)]);
  });

  it("that are overwritten do not go on with those before", async () => {
    const taught = { ...recipe, loss: "cross-entropy", stages: stages.slice(0, 1) };
    const alone = { assistants: [], teachers: [] };
    await train(taught, student("twice", alone));
    const again = { ...alone, overwrite: true, seed: 4 };
    await stopped("twice", "labels", again, taught);
    await train(taught, student("twice", { ...alone, resume: true, seed: 4 }));
    await train(taught, student("other", { ...alone, seed: 4 }));
    expect(await loadTensors(path("twice"))).toEqual(await loadTensors(path("other")));
  });

  const broken = (overrides: RecipeStage["overrides"]) => ({
    ...recipe,
    stages: [stages[0], { name: "broken", overrides }],
  });
  it.each<[string, Partial<TrainOptions>, typeof recipe, RegExp]>([
    [
      "a teacher that no stage asks",
      {},
      { ...recipe, loss: "distribution" },
      /teacher .*strong: of the losses "cross-entropy", "distribution" none asks it/,
    ],
    ["a missing file", { teachers: ["nowhere.onnx"] }, recipe, /nowhere\.onnx: there is no such/],
    [
      "other classes",
      { teachers: ["animals.safetensors"] },
      recipe,
      /teacher .*animals\.safetensors: .*(horizontal.*cat|cat.*horizontal)/s,
    ],
    [
      "too few teachers",
      { teachers: [], assistants: [] },
      recipe,
      /the loss "gap-aware" of stage assistant asks a teacher: name one, such as --teacher FILE/,
    ],
    [
      "more teachers than there are",
      {},
      broken({ loss: "distribution(teacher=2)" }),
      /the loss "distribution\(teacher=2\)" of stage broken asks 3 teachers, 2 given/,
    ],
    [
      "an output that the network lacks",
      {},
      broken({ loss: "attention(student=stage-99)" }),
      /the loss "[^"]*": reactnet has no output "stage-99"; there are .*logits/,
    ],
    [
      "more assistants than epochs",
      { assistants: ["weak", "weak", "weak"] },
      recipe,
      /3 assistants in 2 epochs/,
    ],
    ["a later schedule", {}, broken({ schedule: { warmupEpochs: 7 } }), /warm-up of 7 epochs/],
    [
      "a name that is no folder",
      {},
      { ...recipe, stages: [{ name: "../x", overrides: {} }] },
      /stages: "\.\.\/x" cannot be the name of stage 1/,
    ],
  ])("refuse %s before the first begins", async (_, more, given, message) => {
    const inFolder = (file: unknown) =>
      /[/\\]|^nowhere/.test(String(file)) ? file : path(String(file));
    const { teachers = [path("strong")], assistants = [path("weak")] } = more;
    const options = student("refused", {
      teachers: teachers.map(inFolder) as string[],
      assistants: assistants.map(inFolder) as string[],
    });
    await expect(train(given, options)).rejects.toThrow(message);
    expect(await readdir(folder)).not.toContain("refused");
  });

  it("do not go on with a teacher who is another, though not asked yet", async () => {
    await stopped("changed", "labels");
    const other = student("changed", { resume: true, teachers: [path("weak")] });
    await expect(train(recipe, other)).rejects.toThrow(
      /cannot go on with other teachers: it learns from .*strong/,
    );
  });
});
