import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../data/index.js";
import { type Recipe, resolveRecipe } from "../recipes/index.js";
import { readEpochs } from "./run-folder.js";
import { train } from "./train.js";

/**
 * When to kill, counted in events of each sitting: in steps, between an epoch and its saving, while
 * saving. ONEBIT_KILLS=60 kills as many times.
 */
const kills = process.env.ONEBIT_KILLS
  ? Array.from({ length: Number(process.env.ONEBIT_KILLS) }, (_, i) => 1 + ((5 * i) % 13))
  : [9, 4, 12];
/** A sitting does not reach the second epoch's end before it is killed. */
const epochs = 2 * kills.length;

const built = fileURLToPath(new URL("../../dist/", import.meta.url));
const recipe: Recipe = resolveRecipe("quickstart", {
  ...{ epochs, batch: 16 },
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
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-kill-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Trains in a process of its own, with its engine and data in workers. */
function trainer(out: string, resume: boolean) {
  const script = `
    import { train } from ${JSON.stringify(join(built, "index.js"))};
    import { openDataset } from ${JSON.stringify(join(built, "data/index.js"))};
    const data = await openDataset("glyphs", ${JSON.stringify(images)});
    const settings = ${JSON.stringify({ ...settings, out, resume, overwrite: !resume })};
    const onEvent = ({ event, step }) => process.stdout.write(event + (step ?? "") + "\\n");
    await train(${JSON.stringify(recipe)}, { data, ...settings, onEvent });
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
}

/** Kills the process without warning at the nth event; true if it was still running. */
function killAt(child: ReturnType<typeof trainer>, event: number): Promise<boolean> {
  let seen = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    seen += chunk.toString().split("\n").length - 1;
    if (seen >= event) child.kill("SIGKILL");
  });
  return new Promise((resolve) => {
    child.on("exit", (_, signal) => resolve(signal === "SIGKILL"));
  });
}

const stateOf = (out: string) => join(out, "checkpoint", "state.safetensors");

async function tensorBytes(out: string): Promise<Buffer> {
  const bytes = await readFile(stateOf(out));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

it(
  "survives kill -9 at any moment, and ends with the same bits as an undisturbed run",
  async () => {
    expect(existsSync(join(built, "engine/worker.js")), "npm run build first").toBe(true);
    const data = await openDataset("glyphs", images);
    const whole = join(folder, "whole");
    await train(recipe, { data, ...settings, out: whole, worker: false, dataWorkers: 0 });

    const out = join(folder, "killed");
    let resume = false;
    for (const event of kills) {
      expect(await killAt(trainer(out, resume), event)).toBe(true);
      resume = existsSync(stateOf(out));
      expect((await readEpochs(out)).length).toBeLessThan(epochs);
    }
    const last = trainer(out, true);
    expect(await killAt(last, 1e6)).toBe(false);
    expect(last.exitCode).toBe(0);

    expect((await tensorBytes(out)).equals(await tensorBytes(whole))).toBe(true);
    const timeless = async (run: string) =>
      (await readEpochs(run)).map(
        ({ seconds, secondsLeft, imagesPerSecond, waiting, ...epoch }) => epoch,
      );
    expect(await timeless(out)).toEqual(await timeless(whole));
    const left = (await readdir(out, { recursive: true })).filter((name) => name.endsWith(".tmp"));
    expect(left).toEqual([]);
  },
  60_000 * kills.length,
);
