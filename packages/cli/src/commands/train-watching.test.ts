import { readdir, readFile } from "node:fs/promises";
import { resolveRecipe, type TrainOptions, train } from "@onebit/train";
import { beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { onebit } from "../test-support/run-cli.js";

const path = temporaryFolder();
const flags = ["--batch", "16", "--threads", "1", "--model", "bnext", "--widths", "8,8"];
const watching = (board: string) => ["--observe", "2", "--tensorboard", path(board)];

beforeAll(() => writeIdxFolder(path("idx")));

const begin = (out: string, ...more: string[]) =>
  onebit("train", "plain", "--data", `idx:${path("idx")}`, "--out", path(out), ...flags, ...more);

async function observed(out: string): Promise<number[]> {
  const lines = (await readFile(path(out, "metrics.jsonl"), "utf8")).trimEnd().split("\n");
  const events = lines.map((line) => JSON.parse(line));
  return events.filter(({ event }) => event === "observation").map(({ step }) => step);
}

it("observes and writes for TensorBoard, and tells with --jsonl", async () => {
  const { status, stdout } = await begin("run", "--epochs", "2", "--jsonl", ...watching("board"));
  expect(status).toBe(0);
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const seen = events.filter(({ event }) => event === "observation");
  const { steps } = events.find(({ event }) => event === "step");
  expect(seen.map(({ step }) => step)).toEqual(
    Array.from({ length: Math.floor(steps / 2) }, (_, i) => 2 * (i + 1)),
  );
  expect(seen[0].layers["feature.1.Attention.binary_conv"]).toEqual({
    ...{ flipRate: expect.any(Number), saturation: expect.any(Number) },
    ...{ deadSigns: expect.any(Number), gradientNorm: expect.any(Number) },
    weightNorm: expect.any(Number),
  });
  expect(await readdir(path("board"))).toEqual([expect.stringMatching(/^events\.out\.tfevents\./)]);
  const again = await begin("other", "--epochs", "2", ...watching("board"));
  expect(again.stderr).toMatch(/board: holds the events of another run/);
  expect(again.status).toBe(2);
  expect((await begin("other", "--observe", "0")).stderr).toMatch(/--observe 0: a positive whole/);
});

it("goes on observing with --resume, without its flags", async () => {
  const stop = new AbortController();
  const options: TrainOptions = {
    ...{ model: { name: "bnext", widths: [8, 8] }, data: `idx:${path("idx")}`, out: path("half") },
    ...{ threads: 1, worker: false, dataWorkers: 0, observe: { every: 2 } },
    ...{ tensorboard: path("half-board"), signal: stop.signal },
  };
  const recipe = resolveRecipe("plain", { epochs: 2, batch: 16, microBatch: 16 });
  const stopped = train(recipe, {
    ...options,
    onEvent: (event) => {
      if (event.event === "step" && event.epoch === 2) stop.abort();
    },
  });
  await expect(stopped).rejects.toThrow(/stopped/);
  const { status } = await onebit("train", "--resume", "--out", path("half"));
  expect(status).toBe(0);
  expect(await observed("half")).toEqual(await observed("run"));
  expect(await readdir(path("half-board"))).toHaveLength(1);
});
