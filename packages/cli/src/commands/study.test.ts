import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Study, StudyPlan, StudyResult } from "@onebit/train/study";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { onebit, onebitJson, spawnOnebit } from "../test-support/run-cli.js";

const path = temporaryFolder();
const page = await readFile(join(import.meta.dirname, "../../../../docs/studies.md"), "utf8");
const blocks = (kind: string) =>
  [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, own, text]) =>
    own === kind ? [text] : [],
  );

/** The page's study, on few images and with three narrow networks. */
function small(): Study {
  const study = JSON.parse(blocks("json")[0]) as Study;
  const narrower = (widths?: readonly number[]) => widths && { widths: widths.map((n) => n / 4) };
  return {
    ...{ ...study, trainImages: 200, testImages: 72, seeds: 2 },
    overrides: { ...study.overrides, epochs: 1, batch: 60, microBatch: 60 },
    switches: { ...study.switches, ...narrower(study.switches?.widths) },
    variants: study.variants.slice(0, 3).map((variant) => ({
      ...variant,
      switches: { ...variant.switches, ...narrower(variant.switches?.widths) },
    })),
  };
}

/** The page's commands, with files in the folder. */
function commands(): string[][] {
  const text = blocks("").find((block) => block.includes("study width.json --plan"))!;
  return text
    .trim()
    .split("\n")
    .map((line) =>
      line
        .split(" ")
        .slice(1)
        .map((word) => (/^(width\.json|studies\/)/.test(word) ? path(word) : word))
        .concat("--priority", "normal"),
    );
}

beforeAll(() => writeFile(path("width.json"), JSON.stringify(small())));

describe("study", () => {
  it("lists the studies, which the guide has too", async () => {
    const { stdout } = await onebit("study");
    const all = await onebitJson<Study[]>("study");
    for (const { name, question } of all) {
      expect(stdout).toContain(question);
      expect(page).toContain(`| \`${name}\` |`);
    }
  });

  it("goes from the guide's question to its table, by the guide's commands", async () => {
    const [plan, run, resume, more] = commands();
    const planned = await onebit(...plan);
    expect(planned.status).toBe(0);
    expect(planned.stdout).toMatch(/^6 runs, 2 at a time with 1 thread each: about .* up to /m);
    expect(existsSync(path("studies"))).toBe(false);

    const first = await onebit(...run);
    expect(first.status, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/^wide - narrow +test\.top1 +2 +[+-]\d+\.\d\d +[+-].* to [+-]/m);
    expect(first.stderr).toMatch(/^\S+-seed1: test top-1 .* 6 of 6 runs done$/m);
    const whole = await readFile(path("studies/width/study.json"), "utf8");
    expect((JSON.parse(whole) as StudyResult).isPilot).toBe(false);

    expect((await onebit(...resume)).status).toBe(0);
    expect(await readFile(path("studies/width/study.json"), "utf8")).toBe(whole);

    // Five seeds, as the guide has it, would take longer.
    const further = await onebitJson<StudyResult>(
      ...more.map((word) => (word === "5" ? "3" : word)),
    );
    expect(further).toMatchObject({ isPilot: false, deviations: ["3 seeds instead of 2"] });
    expect(further.summary.pairs[0].differences).toHaveLength(3);
  }, 240_000);

  it.each<[string[], RegExp]>([
    [["reactnet"], /study "reactnet" needs its data: --data idx:DIR/],
    [["reacnet"], /unknown study "reacnet": did you mean "reactnet"\?/],
    [["--resume"], /--resume: say which study is to go on: its name, or --out DIR/],
    [["--resume", "--out", "nowhere"], /nowhere: holds no study to resume/],
    [
      ["bnext", "--data", "glyphs", "--variants", "distilled"],
      /distilled learns from float: name both/,
    ],
    [
      ["bnext", "--data", "glyphs", "--variants", "mux"],
      /unknown variant "mux": did you mean "mix"\?/,
    ],
    [["bnext", "--plan", "--resume"], /--plan/],
  ])("%j is refused", async (args, message) => {
    const out = args.includes("--out") || args[0] === "--resume" ? [] : ["--out", path("no/study")];
    const { status, stderr } = await onebit("study", ...args, ...out);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync(path("no"))).toBe(false);
  });

  it("refuses a variant that could not run, before any does", async () => {
    const study = small();
    const variants = [...study.variants, { name: "gated", switches: { gat: "none" } }];
    await writeFile(path("odd.json"), JSON.stringify({ ...study, variants }));
    const { status, stderr } = await onebit("study", path("odd.json"), "--out", path("odd"));
    expect(status).toBe(2);
    expect(stderr).toMatch(/variants\[3\]: bnext has no switch "gat"; it has /);
    expect(existsSync(path("odd/plan.json"))).toBe(false);
  });

  it("plans a pilot as one", async () => {
    const args = ["--plan", "--variants", "wide,narrow", "--seeds", "1", "--set", "epochs=2"];
    const plan = await onebitJson<StudyPlan>("study", path("width.json"), ...args);
    expect(plan.runs).toEqual([
      { variant: "narrow", seed: 0 },
      { variant: "wide", seed: 0 },
    ]);
    expect(plan.deviations).toEqual([
      "only narrow, wide of 3 variants",
      "1 seed instead of 2",
      "all variants with epochs=2",
    ]);
    expect(plan.variants.wide.recipe.epochs).toBe(2);
  });

  it("stopped, says how to go on", async () => {
    const args = ["study", path("width.json"), "--out", path("stopped"), "--priority", "normal"];
    const { child, done } = spawnOnebit([...args, "--jsonl"]);
    child.stdout!.on("data", (text: Buffer) => {
      if (`${text}`.includes('"event":"epoch"') && !child.killed) child.kill("SIGINT");
    });
    const { status, stderr } = await done;
    expect(status).toBe(130);
    expect(stderr).toMatch(/stopped: \d of 6 runs are done\. Go on with --resume/);
    expect(existsSync(path("stopped/lock"))).toBe(false);
  }, 120_000);
});
