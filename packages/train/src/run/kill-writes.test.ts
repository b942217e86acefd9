import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "onebit/file";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Layout } from "../state/index.js";
import { loadCheckpoint } from "./checkpoint.js";
import { RunFolder } from "./run-folder.js";

/** Kills that must hit a file while it is being written; ONEBIT_KILLS sets another number. */
const KILLS = Number(process.env.ONEBIT_KILLS ?? 60);

const built = fileURLToPath(new URL("../../dist/run/", import.meta.url));
const length = 100_000;
const layout: Layout = {
  segments: [
    { key: "weight", shape: [length], kind: "parameter", role: "other", start: 0, end: length },
  ],
  groups: [],
  trained: length,
  length,
};

/**
 * The writing of a training without the training: epoch after epoch, every file that a run has. All
 * values of the state are the number of the epoch. Prints what is on disk for good.
 */
function writer(out: string, resume: boolean) {
  const script = `
    import { RunFolder } from ${JSON.stringify(join(built, "run-folder.js"))};
    import { loadCheckpoint, saveCheckpoint } from ${JSON.stringify(join(built, "checkpoint.js"))};
    import { writeWhole } from ${JSON.stringify(join(built, "files.js"))};
    import { writeSafetensors } from "onebit/file";
    const layout = ${JSON.stringify(layout)};
    const folder = new RunFolder(${JSON.stringify(out)});
    const record = { recipe: 1, model: 2, data: { images: 3 }, preprocess: 4, seed: 5, padding: "x".repeat(1e4) };
    await folder.begin(record, { resume: ${resume} });
    let done = 0;
    if (${resume}) {
      const { position } = await loadCheckpoint(folder.checkpoint, layout, ["m"], false);
      done = position.epochs;
      await folder.rewind(done);
    }
    for (let epochs = done; ; epochs++) {
      const values = new Float32Array(layout.length).fill(epochs);
      const data = new Uint8Array(values.buffer);
      const tensors = { weight: { dtype: "F32", shape: [layout.length], data } };
      if (epochs) await folder.log({ event: "epoch", epoch: epochs });
      await writeWhole(folder.best, writeSafetensors({ metadata: {}, tensors }));
      const snapshot = { values, moments: { m: values }, step: epochs };
      const position = { epochs, best: null, seconds: 0 };
      await saveCheckpoint(folder.checkpoint, layout, { snapshot, position });
      process.stdout.write(epochs + "\\n");
      await folder.writeReport("<html>" + epochs + " ".repeat(1e4) + "</html>");
      await folder.write(record);
    }
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: built,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
}

/**
 * Kills it some time after it first has a state on disk, when next a file is being written; the last
 * epoch that it reported.
 */
async function killed(
  child: ReturnType<typeof writer>,
  out: string,
  milliseconds: number,
): Promise<number> {
  let text = "";
  const gone = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on("close", (_, signal) => resolve(signal));
  });
  await new Promise<void>((resolve, failed) => {
    child.once("exit", (status) => failed(new Error(`the writer ended with status ${status}`)));
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk;
      resolve();
    });
  });
  await setTimeout(milliseconds);
  while (!unfinished(out).length) await setImmediate();
  child.kill("SIGKILL");
  expect(await gone).toBe("SIGKILL");
  return Number(text.trimEnd().split("\n").at(-1));
}

/** Every file is whole, and of an epoch; returns the one of the checkpoint. */
async function expectWhole(out: string): Promise<number> {
  const folder = new RunFolder(out);
  const { snapshot, position } = await loadCheckpoint(folder.checkpoint, layout, ["m"], false);
  const { epochs } = position;
  for (const flat of [snapshot.values, snapshot.moments.m]) {
    expect(flat.every((value) => value === epochs)).toBe(true);
  }
  expect((await folder.read()).recipe).toBe(1);
  const { weight } = readSafetensors(await readFile(folder.best)).tensors;
  expect(weight.data.length).toBe(4 * length);
  const report = await readFile(folder.report, "utf8").catch(() => undefined);
  if (report !== undefined) expect(report).toMatch(/^<html>\d+ +<\/html>$/);
  return epochs;
}

/** Names, without what makes them temporary, of files that are not whole. */
function unfinished(out: string): string[] {
  const names = readdirSync(out, { recursive: true, encoding: "utf8" });
  return names.flatMap((name) => /^(.*)\.[0-9a-f]{12}\.tmp$/.exec(name)?.[1] ?? []);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-kills-"));
  expect(existsSync(join(built, "run-folder.js")), "npm run build first").toBe(true);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it(`every file is whole after each of ${KILLS} kills -9 that hit one being written, and the run goes on`, async () => {
  const hits: string[] = [];
  let kills = 0;
  const lane = async (out: string) => {
    let saved = 0;
    for (let first = true; hits.length < KILLS; first = false) {
      // Over some milliseconds, so that every file has its turn.
      const reported = await killed(writer(out, !first), out, (kills++ * 7) % 23);
      // Had the run before left anything that this one must remove, it would be counted again.
      const left = unfinished(out);
      expect(left.length).toBeLessThanOrEqual(1);
      hits.push(...left);
      const epochs = await expectWhole(out);
      expect(epochs).toBeGreaterThanOrEqual(Math.max(saved, reported));
      expect(epochs - reported).toBeLessThanOrEqual(1);
      saved = epochs;
    }
  };
  await Promise.all([lane(join(folder, "a")), lane(join(folder, "b"))]);
  expect(kills).toBeLessThan(4 * KILLS + 10);
  const files = [...new Set(hits)].map(
    (name) => `${name} ${hits.filter((x) => x === name).length}`,
  );
  console.log(`${hits.length} of ${kills} kills hit a file being written: ${files.join(", ")}`);
}, 600_000);
