import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { thisProcess } from "../run/process-identity.js";
import { checkStudy } from "./check.js";
import type { Outcome } from "./run-process.js";
import { runStudy } from "./runner.js";

/** Runs whose disk is full at once; so many of them began. */
const began = vi.hoisted(() => ({ runs: 0, stopped: 0 }));

vi.mock("./run-process.js", () => ({
  startRun() {
    const isFirst = began.runs++ === 0;
    let stop = () => {};
    const outcome = new Promise<Outcome>((resolve) => {
      stop = () => {
        began.stopped++;
        resolve({ told: "stopped" });
      };
      if (isFirst) resolve({ told: "failed", message: "the disk is full", isDiskFull: true });
    });
    return { pid: undefined, outcome, stop };
  },
}));

const study = checkStudy({
  ...{ name: "flat", question: "Is flat best?", data: "glyphs", trainImages: 72, testImages: 36 },
  ...{ validation: 0.5, recipe: "plain", model: "linear", seeds: 3 },
  overrides: { epochs: 1, batch: 12, microBatch: 12, form: "real" },
  variants: [{ name: "a" }, { name: "b" }],
  compare: { baseline: "a" },
  measures: ["test.top1"],
});

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "onebit-disturbed-"));
});
afterAll(() => rm(out, { recursive: true, force: true }));

it("ends at once where the disk is full, and says how to go on; it counts as no crash", async () => {
  await expect(runStudy(study, { out, threads: 1 })).rejects.toThrow(
    /a-seed0: the disk is full\. The study stops; .* go on with --resume/,
  );
  expect(began).toEqual({ runs: 2, stopped: 1 });
  expect(await readdir(out)).toEqual(["plan.json", "runs"]);
  expect(await readdir(join(out, "runs"))).toEqual([]);
});

it("waits for nobody on another machine: it says so, and takes over when told to", async () => {
  const gone = { pid: 7, host: "elsewhere", boot: null, namespace: null, started: null };
  const lock = JSON.stringify({ ...gone, since: "2026-01-01T00:00:00Z" });
  await mkdir(join(out, "runs", "a-seed0"));
  await writeFile(join(out, "lock"), lock);
  await writeFile(join(out, "runs", "a-seed0", "lock"), lock);
  began.runs = 0;
  const resume = { out, threads: 1, resume: true };
  await expect(runStudy(study, resume)).rejects.toThrow(
    /another machine or container .*--take-over/,
  );
  expect(began.runs).toBe(0);
  await expect(runStudy(study, { ...resume, takeOver: true })).rejects.toThrow(/disk is full/);
  expect(await readdir(join(out, "runs", "a-seed0"))).toEqual([]);

  await writeFile(join(out, "lock"), JSON.stringify({ ...thisProcess(), since: "now" }));
  await expect(runStudy(study, { ...resume, takeOver: true })).rejects.toThrow(
    /runs in it already/,
  );
});

it.each([
  ["{", /plan\.json: is not JSON: the file is damaged: put back a copy of it, or .*--out/],
  ["[]", /plan\.json: the plan is \[\]: a group of fields is wanted: the file is damaged/],
  ["{}", /plan\.json: study is missing: a group of fields/],
  ['"choice"', /plan\.json: choice is missing/],
  ['"fitted"', /plan\.json: variants\.a\.fitted is missing/],
])("refuses a damaged plan, by field: %s", async (damage, message) => {
  const damaged = join(out, "damaged");
  await mkdir(damaged, { recursive: true });
  // A plan that lacks the field that is named.
  const plan = await readFile(join(out, "plan.json"), "utf8");
  const text = damage.startsWith('"') ? plan.replace(`${damage}:`, '"gone":') : damage;
  await writeFile(join(damaged, "plan.json"), text);
  await expect(runStudy(study, { out: damaged, resume: true })).rejects.toThrow(message);
  await rm(damaged, { recursive: true });
});
