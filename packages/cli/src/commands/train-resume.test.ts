import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { readEpochs, readRun, resolveRecipe, type TrainOptions, train } from "@onebit/train";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { onebit } from "../test-support/run-cli.js";

const path = temporaryFolder();
const values = {
  loss: "cross-entropy",
  ...{ epochs: 3, batch: 16, microBatch: 16, temperature: { binaryAt: 0.4 } },
  ...{ schedule: { learningRate: 0.01 }, augment: { pad: 1 } },
};
const options = (out: string): TrainOptions => ({
  ...{ model: { name: "bnext", widths: [8, 8] }, data: `idx:${path("idx")}`, out: path(out) },
  ...{ seed: 3, threads: 1, worker: false, dataWorkers: 0 },
});

/** Ends a training in the middle of a stage's second epoch. */
async function stopped(out: string, recipe: string, model?: TrainOptions["model"], stage?: string) {
  const abort = new AbortController();
  let current: string | undefined;
  const running = train(resolveRecipe(recipe, values), {
    ...options(out),
    ...(model && { model }),
    signal: abort.signal,
    onEvent(event) {
      if (event.event === "start") current = event.stage;
      if (event.event === "step" && event.step === 4 && current === stage) abort.abort();
    },
  });
  await expect(running).rejects.toThrow(/stopped/);
}

/** What a run leaves behind, but for times. */
async function outcome(out: string) {
  const epochs = (await readEpochs(path(out))).map(({ epoch, train, test }) => {
    return { epoch, train, test };
  });
  const state = await readFile(path(out, "checkpoint", "state.safetensors"));
  const data = state.subarray(8 + Number(state.readBigUInt64LE(0)));
  return { epochs, state: data.toString("base64") };
}

const resume = (out: string, ...args: string[]) =>
  onebit("train", ...args, "--resume", "--out", path(out));

beforeAll(() => writeIdxFolder(path("idx")));

describe("train --resume --out RUN", () => {
  beforeAll(async () => {
    await train(resolveRecipe("plain", values), options("whole"));
    await stopped("cut", "plain");
  });

  it("refuses what differs from the run, naming both, and changes nothing", async () => {
    const before = await outcome("cut");
    const cases: [args: string[], message: RegExp][] = [
      [["--epochs", "5"], /recipe\.epochs \(3, now 5\)/],
      [["--batch", "8"], /recipe\.batch \(16, now 8\)/],
      [["--seed", "4"], /another seed \(3, now 4\)/],
      [["--set", "clip=9"], /recipe\.clip \(null, now 9\)/],
      [["--widths", "8,8,8"], /model\.options\.widths \(\[8,8\], now \[8,8,8\]\)/],
      [["--model", "bnext-nano"], /model\.name \("bnext", now "bnext-nano"\)/],
      [["quickstart"], /recipe\.name \("plain", now "quickstart"\)/],
      [["--data", "glyphs"], /another data\.spec \("idx:.*", now "glyphs"\)/],
      [["--init", "other"], /--init other: the run in .*cut began with random weights/],
      [["--form", "real"], /recipe\.form \("binary", now "real"\)/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await resume("cut", ...args);
      expect([args, status, stderr]).toEqual([args, 2, expect.stringMatching(message)]);
    }
    expect(await outcome("cut")).toEqual(before);
  });

  it("is what pack advises for the weights of a run that is not done", async () => {
    await cp(path("whole"), path("under way"), { recursive: true });
    const record = await readRun(path("whole"));
    await writeFile(path("under way", "run.json"), JSON.stringify({ ...record, result: null }));
    const { epoch } = record.result!.best;
    const { status, stderr } = await onebit("pack", path("under way"), "-o", path("a.onebit"));
    expect(status).toBe(0);
    expect(stderr).toContain(
      `the training is not done: these are the weights of epoch ${epoch} of 3`,
    );
    expect(stderr).toContain(`npx onebit train --resume --out '${path("under way")}'\n`);
    const done = await onebit("pack", path("whole"), "-o", path("b.onebit"));
    expect(done).toMatchObject({ status: 0, stderr: "" });
  });

  it("alone goes on as the run was begun, to the same bits", async () => {
    const { status, stderr } = await resume("cut");
    expect(status).toBe(0);
    expect(stderr).toMatch(/recipe plain, 1 epoch done before/);
    expect(stderr).toMatch(/3 epochs of 3 steps of 16 images, 1 thread, seed 3/);
    expect(stderr).toMatch(/^epoch +2\/3 /m);
    expect(await outcome("cut")).toEqual(await outcome("whole"));
  });

  it("takes the same flags again, and other threads", async () => {
    const { status, stderr } = await resume("cut", "plain", "--epochs", "3", "--threads", "2");
    expect([status, stderr]).toEqual([0, expect.stringMatching(/1 thread before, now 2 threads/)]);
  });

  it("goes on with the stage that was reached, and says that its weights are real", async () => {
    const model = { name: "reactnet", widths: [8, 8], stemStride: 1 } as const;
    await train(resolveRecipe("reactnet", values), { ...options("both"), model });
    for (const stage of ["step-1", undefined]) {
      const out = `cut-${stage}`;
      await stopped(out, "reactnet", model, stage);
      const { status, stderr } = await resume(out);
      expect(status).toBe(0);
      const isReal = /^epoch +2\/3 .*\(weights are real in this stage\)$/m.test(stderr);
      expect(isReal).toBe(stage === "step-1");
      expect(stderr).toMatch(/^epoch +3\/3 .* left$/m);
      expect(await outcome(out)).toEqual(await outcome("both"));
    }
  });

  it("says when weights are not binary yet", async () => {
    await stopped("soft", "plain");
    const { weights, final } = (await readEpochs(path("soft")))[0];
    expect([weights, final]).toEqual(["soft", false]);
  });

  it("wants a run", async () => {
    await mkdir(path("empty"), { recursive: true });
    const none = await resume("empty");
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringMatching(/empty: holds no run to resume/),
    ]);
    const argument = await onebit("train", "--resume", path("cut"));
    expect(argument.stderr).toMatch(/cut: is a run, .*--resume --out .*cut/);
    const which = await onebit("train", "--resume");
    expect(which.stderr).toMatch(/--resume: say which run is to go on: --out DIR/);
    expect(which.status).toBe(2);
    expect((await readRun(path("whole"))).result?.epochs).toBe(3);
  });
});
