import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkStudy } from "./check.js";
import type { StudyEvent } from "./events.js";
import { runStudy } from "./runner.js";
import type { Study } from "./study.js";
import type { StudyResult } from "./study-result.js";

const built = fileURLToPath(new URL("../../dist/study/index.js", import.meta.url));

const study = checkStudy({
  ...{ name: "width", question: "Does a wider network help?", data: "glyphs" },
  ...{ trainImages: 200, testImages: 72, validation: 0.1, recipe: "plain", model: "bnext" },
  overrides: { epochs: 2, batch: 60, microBatch: 60, schedule: { learningRate: 0.01 } },
  switches: { stemStride: 2 },
  seeds: 3,
  variants: [
    { name: "narrow", switches: { widths: [4, 8] } },
    { name: "wide", switches: { widths: [8, 16] }, overrides: { augment: { pad: 2 } } },
    { name: "float", switches: { widths: [4, 8] }, overrides: { form: "real" } },
  ],
  compare: { baseline: "narrow" },
  measures: ["test.top1", "gap"],
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-study-"));
  if (!existsSync(built)) throw new Error(`${built} is not built: run "npm run build" first`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const path = (name: string) => join(folder, name);
const common = { priority: "normal" } as const;

async function readResult(out: string): Promise<StudyResult> {
  return JSON.parse(await readFile(join(path(out), "study.json"), "utf8")) as StudyResult;
}

/** Without the code that draws curves. */
async function pageOf(out: string): Promise<string> {
  const page = await readFile(join(path(out), "study.html"), "utf8");
  return page.replace(/<script>.*?<\/script>/gs, "");
}

/** Without what a clock decides. */
async function timeless(out: string): Promise<unknown> {
  const { hours: _, plan, runs, ...rest } = await readResult(out);
  return {
    ...rest,
    plan: { ...plan, hours: 0 },
    runs: runs.map(({ seconds, ...run }) => {
      expect(seconds).toBeGreaterThan(0);
      return run;
    }),
  };
}

/** A sitting in a process of its own, killed without warning at the nth event; 0: never. */
async function sitting(out: string, resume: boolean, kill: number): Promise<boolean> {
  const script = `
    import { runStudy } from ${JSON.stringify(built)};
    const study = ${JSON.stringify(study)};
    const onEvent = () => process.stdout.write(".");
    await runStudy(study, { out: ${JSON.stringify(path(out))}, resume: ${resume}, priority: "normal", onEvent });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  let events = 0;
  child.stdout.on("data", (dots: Buffer) => {
    events += dots.length;
    if (kill && events >= kill) child.kill("SIGKILL");
  });
  return new Promise((resolve) => child.on("close", (_, signal) => resolve(signal === "SIGKILL")));
}

const names = study.variants.map(({ name }) => name);
const seeds = Array.from({ length: study.seeds }, (_, seed) => seed);

describe(`a study of ${names.length} variants and ${seeds.length} seeds`, () => {
  beforeAll(async () => {
    await runStudy(study, { ...common, out: path("whole") });
  }, 240_000);

  it("says what each variant reached, and the differences seed by seed", async () => {
    const { runs, summary, isPilot, deviations, variants } = await readResult("whole");
    expect(runs.map(({ status }) => status)).toEqual(names.flatMap(() => seeds.map(() => "done")));
    expect([isPilot, deviations]).toEqual([false, []]);
    expect(summary.variants.map(({ variant, n }) => [variant, n])).toEqual(
      names.map((name) => [name, seeds.length]),
    );
    const top1 = (name: string) =>
      runs.filter(({ variant }) => variant === name).map(({ figures }) => figures!["test.top1"]);
    const [pair] = summary.pairs;
    const [narrow, wide] = [top1("narrow"), top1("wide")];
    expect(pair).toMatchObject({ from: "narrow", to: "wide", seeds });
    expect(pair.differences).toEqual(wide.map((value, i) => value - narrow[i]));
    // t(2, 97.5 %) is 4.3027.
    const wanted = (4.3027 * pair.deviation!) / Math.sqrt(seeds.length);
    expect((pair.high! - pair.low!) / 2).toBeCloseTo(wanted, 4);
    expect(variants[1].cost.binaryMacs).toBeGreaterThan(variants[0].cost.binaryMacs);
    const page = await pageOf("whole");
    for (const text of ["Does a wider network help?", "wide - narrow", "bytes packed", "<svg"]) {
      expect(page).toContain(text);
    }
    expect(page).not.toMatch(/undefined|NaN|pilot/);
  });

  it("killed twice, gives the same JSON but for times", async () => {
    expect(await sitting("cut", false, 5)).toBe(true);
    expect(await sitting("cut", true, 5)).toBe(true);
    expect(await sitting("cut", true, 0)).toBe(false);
    expect(await timeless("cut")).toEqual(await timeless("whole"));
  }, 240_000);

  it("is refused with other settings, by field, and goes on with none", async () => {
    const out = path("whole");
    const before = await readFile(join(out, "study.json"), "utf8");
    const again = (changed: Partial<Study>, more = {}) =>
      runStudy({ ...study, ...changed }, { ...common, out, resume: true, ...more });
    await expect(runStudy(study, { ...common, out })).rejects.toThrow(
      /already holds a study.*--resume/,
    );
    const other = study.variants.map((variant) =>
      variant.name === "wide" ? { ...variant, overrides: { epochs: 5 } } : variant,
    );
    await expect(again({ variants: other })).rejects.toThrow(
      /holds runs of other settings: study\.variants\.wide\.overrides/,
    );
    await expect(again({ validation: 0.2 })).rejects.toThrow(
      /study\.validation \(0\.1, now 0\.2\)/,
    );
    await expect(again({}, { set: ["epochs=3"] })).rejects.toThrow(/--set/);
    await expect(again({}, { variants: ["wyde"] })).rejects.toThrow(/did you mean "wide"/);
    await again({ question: "Is wider better?" });
    const strip = (text: string) => text.replace(/"question": ".*",/, "");
    expect(strip(await readFile(join(out, "study.json"), "utf8"))).toBe(strip(before));
    await expect(runStudy(study, { ...common, out: path("none"), resume: true })).rejects.toThrow(
      /holds no study to resume/,
    );
  });

  it("refuses a run that is another's", async () => {
    const file = join(path("whole"), "runs", "wide-seed1", "run.json");
    const run = JSON.parse(await readFile(file, "utf8"));
    run.recipe.schedule.learningRate = 0.5;
    await writeFile(file, JSON.stringify(run));
    await expect(runStudy(study, { ...common, out: path("whole"), resume: true })).rejects.toThrow(
      /wide-seed1: .*other settings: recipe\.schedule\.learningRate \(0\.5, now 0\.01\)/,
    );
  });
});

describe("a run that crashes", () => {
  const [narrow] = study.variants;

  it("once, is named, goes on, and is said to have crashed", async () => {
    const events: StudyEvent[] = [];
    let killed = false;
    const pids = new Map<string, number>();
    const result = await runStudy(study, {
      ...{ ...common, out: path("crash"), variants: ["narrow"] },
      onEvent(event) {
        events.push(event);
        if (event.event === "run") pids.set(`${event.seed}`, event.pid!);
        if (event.event !== "epoch" || event.seed !== 1 || killed) return;
        killed = true;
        process.kill(pids.get("1")!, "SIGKILL");
      },
    });
    const crashes = events.flatMap((event) => (event.event === "crash" ? [event] : []));
    expect(crashes).toMatchObject([{ variant: "narrow", seed: 1, isLast: false }]);
    expect(result.runs.map(({ status }) => status)).toEqual(seeds.map(() => "done"));
    expect(result.runs[1].failures).toEqual([expect.stringMatching(/ended by SIGKILL/)]);
    expect(result).toMatchObject({ isPilot: true, seeds: seeds.length });
    expect(result.deviations).toEqual([`only narrow of ${names.length} variants`]);
  }, 120_000);

  it("twice, fails by name, in no mean, with all others done", async () => {
    // Not in the first epoch, of which the plan tries some steps.
    const schedule = {
      per: "epoch",
      warmupEpochs: 1,
      warmupLearningRate: 1e-3,
      learningRate: 1e30,
    };
    const diverging = { name: "diverging", overrides: { schedule } };
    const learner = {
      ...{ name: "learner", overrides: { loss: "distribution" } },
      teachers: [{ variant: "diverging" }],
    };
    const broken = checkStudy({
      ...{ ...study, seeds: 1, switches: { ...study.switches, ...narrow.switches } },
      variants: [diverging, learner, narrow],
    });
    const out = path("broken");
    await expect(runStudy(broken, { ...common, out })).rejects.toThrow(
      /2 runs failed, of 3; no mean has them:\n {2}diverging-seed0: .*learningRate.*\n {2}learner-seed0: diverging-seed0 failed/s,
    );
    const { summary, runs } = await readResult("broken");
    expect(runs.map(({ status }) => status)).toEqual(["failed", "failed", "done"]);
    expect(runs[0].failures).toHaveLength(2);
    expect(summary.variants[0]).toMatchObject({ n: 0, of: 1, missing: [{ seed: 0 }] });
    expect(summary.pairs[0]).toMatchObject({ differences: [], mean: null, low: null });
    expect(await pageOf("broken")).toContain("diverging, seed 0, is in no mean");
  }, 120_000);
});
