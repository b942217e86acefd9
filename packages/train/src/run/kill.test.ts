import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset, rng } from "../data/index.js";
import { type Recipe, resolveRecipe } from "../recipes/index.js";
import type { TeachingOptions } from "../teachers/index.js";
import { readView } from "../teachers/view-file.js";
import { loadFloatModel } from "./float-model.js";
import { readEpochs, readRun } from "./run-folder.js";
import { train } from "./train.js";

/**
 * When to kill, counted in events of each sitting: while teachers are asked, in steps, between an epoch and its
 * saving, while saving; then some milliseconds more. ONEBIT_KILLS=60 kills as many times.
 */
const many = process.env.ONEBIT_KILLS
  ? Array.from({ length: Number(process.env.ONEBIT_KILLS) }, (_, i) => 1 + ((5 * i) % 13))
  : undefined;
const random = rng(1, "kills");

const built = fileURLToPath(new URL("../../dist/", import.meta.url));
/** A sitting does not reach the second epoch's end before it is killed. */
const recipeFor = (kills: readonly number[], loss: string): Recipe =>
  resolveRecipe("quickstart", {
    ...{ epochs: 2 * kills.length, batch: 16, loss },
    augment: {
      pad: 2,
      randAugment: "rand-m7-mstd0.5-inc1",
      mixup: 0.8,
      cutmix: { probability: 0.5 },
    },
  });
const images = { trainImages: 64, testImages: 16 };
const settings = {
  ...{ model: { name: "bnext", widths: [8, 8], stemStride: 2 } as const, threads: 1, seed: 3 },
  observe: { every: 3 },
};

let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-kill-"));
  const data = await openDataset("glyphs", images);
  const plain = resolveRecipe("plain", {
    ...{ epochs: 1, batch: 16, microBatch: null, model: "linear", form: "real" },
  });
  for (const [seed, name] of ["weak", "strong", "teacher"].entries()) {
    await train(plain, { data, out: path(name), seed, threads: 1, worker: false, dataWorkers: 0 });
  }
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Training {
  readonly recipe: Recipe;
  readonly out: string;
  readonly teaching: TeachingOptions;
}

/** Boosting: two assistants take turns beside a teacher, and what they say of two views is kept. */
const boosting = (out: string): TeachingOptions => ({
  ...{ assistants: [path("weak"), path("strong")], teachers: [path("teacher")] },
  ...{ teacherViews: 2, teacherCache: `${out}-views` },
});

/** Trains in a process of its own, with its engine, data and teachers in workers. */
function trainer({ recipe, out, teaching }: Training, resume: boolean) {
  const script = `
    import { train } from ${JSON.stringify(join(built, "index.js"))};
    import { openDataset } from ${JSON.stringify(join(built, "data/index.js"))};
    const data = await openDataset("glyphs", ${JSON.stringify(images)});
    const settings = ${JSON.stringify({ ...settings, ...teaching, out, resume, overwrite: !resume })};
    const onEvent = ({ event, what, epoch }) => process.stdout.write(event + " " + what + " " + epoch + "\\n");
    await train(${JSON.stringify(recipe)}, { data, ...settings, onEvent });
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
}

interface Death {
  /** False: it was done before. */
  readonly wasKilled: boolean;
  /** Epochs that it has said are saved. */
  readonly saved: number;
}

/** Kills the process without warning at the nth event or soon after. */
function killAt(child: ReturnType<typeof trainer>, event: number): Promise<Death> {
  let text = "";
  child.stdout?.on("data", async (chunk: Buffer) => {
    const before = text.split("\n").length;
    text += chunk;
    if (before > event || text.split("\n").length <= event) return;
    await setTimeout(random.integer(30));
    child.kill("SIGKILL");
  });
  return new Promise((resolve) => {
    child.on("close", (_, signal) => {
      const saved = [...text.matchAll(/^saved checkpoint (\d+)$/gm)].map(([, epoch]) =>
        Number(epoch),
      );
      resolve({ wasKilled: signal === "SIGKILL", saved: Math.max(0, ...saved) });
    });
  });
}

/** Every file can be read: the state, the record, the best model, what teachers said. */
async function expectReadable({ out, teaching }: Training, saved: number): Promise<void> {
  await readRun(out);
  const bytes = await tensorBytes(out);
  expect(bytes.length).toBeGreaterThan(0);
  const [, epochs] = /"epochs\\?":(\d+)/.exec(await headerOf(out))!;
  expect(Number(epochs)).toBeGreaterThanOrEqual(saved);
  if (saved > 0)
    await loadFloatModel(out).catch((error) => expect(String(error)).toMatch(/ENOENT/));
  const { teacherCache: cache } = teaching;
  const views = cache && existsSync(cache) ? await readdir(cache, { recursive: true }) : [];
  for (const view of views.filter((name) => name.endsWith(".f16")))
    await readView(join(cache!, view));
}

async function headerOf(out: string): Promise<string> {
  const bytes = await readFile(stateOf(out));
  return bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString();
}

const stateOf = (out: string) => join(out, "checkpoint", "state.safetensors");

async function tensorBytes(out: string): Promise<Buffer> {
  const bytes = await readFile(stateOf(out));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

/** What was seen of the layers, each step once. */
async function observations(out: string): Promise<unknown[]> {
  const lines = (await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n");
  const seen = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "observation");
  expect(seen.length).toBeGreaterThan(3);
  return seen;
}

it.each<[string, string, readonly number[], (out: string) => TeachingOptions]>([
  ["from labels", "cross-entropy", many ?? [9, 4, 12], () => ({})],
  ["boosted by teachers whose views are kept", "gap-aware", many ?? [2, 8], boosting],
])(
  "survives kill -9 at any moment %s, and ends with the same bits as an undisturbed run",
  async (name, loss, kills, teachingOf) => {
    expect(existsSync(join(built, "engine/worker.js")), "npm run build first").toBe(true);
    const recipe = recipeFor(kills, loss);
    const data = await openDataset("glyphs", images);
    const whole = path(`${loss}-whole`);
    const undisturbed = { ...settings, ...teachingOf(whole), out: whole };
    await train(recipe, { data, ...undisturbed, worker: false, dataWorkers: 0 });

    const out = path(`${loss}-killed`);
    const training = { recipe, out, teaching: teachingOf(out) };
    let resume = false;
    let most = 0;
    for (const event of kills) {
      const { wasKilled, saved } = await killAt(trainer(training, resume), event);
      expect(wasKilled).toBe(true);
      most = Math.max(most, saved);
      resume = existsSync(stateOf(out));
      if (resume) await expectReadable(training, most);
      expect((await readEpochs(out)).length).toBeLessThan(recipe.epochs);
    }
    const last = trainer(training, true);
    expect((await killAt(last, 1e6)).wasKilled).toBe(false);
    expect(last.exitCode).toBe(0);

    expect((await tensorBytes(out)).equals(await tensorBytes(whole))).toBe(true);
    const timeless = async (run: string) =>
      (await readEpochs(run)).map(
        ({ seconds, secondsLeft, imagesPerSecond, waiting, ...epoch }) => epoch,
      );
    expect(await timeless(out)).toEqual(await timeless(whole));
    expect(await observations(out)).toEqual(await observations(whole));
    const left = (await readdir(out, { recursive: true })).filter((name) => name.endsWith(".tmp"));
    expect(left).toEqual([]);
    console.log(`${name}: ${kills.length} kills`);
  },
  60_000 * (many?.length ?? 3),
);
