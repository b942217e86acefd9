import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RunComparison, resolveRecipe, type TrainOptions, train } from "@onebit/train";
import { openDataset } from "@onebit/train/data";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { onebit, onebitJson, spawnOnebit } from "../test-support/run-cli.js";

const path = temporaryFolder();

/** Two trainings of a linear model, of 2 and of 3 epochs. */
beforeAll(async () => {
  const data = await openDataset("glyphs", { trainImages: 64, testImages: 32 });
  const run = (out: string, epochs: number, more: Partial<TrainOptions> = {}) =>
    train(
      resolveRecipe("plain", {
        epochs,
        batch: 32,
        model: "linear",
        schedule: { learningRate: 0.01 * epochs },
      }),
      {
        ...{ data, out: path(out), threads: 1, worker: false, dataWorkers: 0 },
        ...more,
      },
    );
  await run("two", 2);
  await run("three", 3, { seed: 7 });
});

const metrics = (run: string) => path(run, "metrics.jsonl");

/** A copy of a run with other lines. */
async function changed(name: string, change: (lines: string[]) => string): Promise<string> {
  await cp(path("two"), path(name), { recursive: true });
  const text = await readFile(metrics(name), "utf8");
  await writeFile(metrics(name), change(text.trimEnd().split("\n")));
  return path(name);
}

describe("report", () => {
  it("sets runs beside each other, on a page and as JSON", async () => {
    const page = path("page.html");
    const args = ["report", path("two"), path("three"), "--out", page];
    const { runs, settings } = await onebitJson<RunComparison>(...args);
    const lines = (await readFile(metrics("three"), "utf8")).trimEnd().split("\n");
    const epochs = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "epoch");
    const best = Math.max(...epochs.map(({ test }) => test.top1));
    expect(runs.map(({ name, epochs }) => [name, epochs])).toEqual([
      ["two", { done: 2, of: 2 }],
      ["three", { done: 3, of: 3 }],
    ]);
    expect(runs[1]).toMatchObject({
      ...{ finished: true, part: "test", best: { top1: best }, history: epochs },
      last: { train: epochs[2].train, evaluated: epochs[2].test },
    });
    expect(settings).toEqual([
      { name: "recipe.schedule.learningRate", values: ["0.02", "0.03"] },
      { name: "recipe.epochs", values: ["2", "3"] },
      { name: "seed", values: ["0", "7"] },
    ]);
    const html = await readFile(page, "utf8");
    expect(html).toContain("<title>2 runs: two, three</title>");
    expect(html).toContain("<td>recipe.schedule.learningRate</td><td>0.02</td><td>0.03</td>");
    expect(html).toContain(`${(100 * best).toFixed(2)} % (epoch `);
    const curves = [...html.matchAll(/data-curve="([^"]*)"/g)].map(([, json]) =>
      JSON.parse(json.replaceAll("&quot;", '"')),
    );
    expect(curves.map(({ title }) => title)).toContain("learning rate");
    expect(curves[0].series).toMatchObject([
      { name: "two", y: [expect.any(Number), expect.any(Number), null] },
      { name: "three", y: epochs.map(({ test }) => test.top1) },
    ]);
    expect(html).not.toMatch(/(src|href)="(?!data:)/);
  });

  it("goes to standard output, and shows one run as well", async () => {
    const { done } = spawnOnebit(["report", path("two"), "--out", "-"]);
    const { stdout, stderr, status } = await done;
    expect(status).toBe(0);
    expect(stdout).toMatch(/^<!doctype html>/);
    expect(stdout).toContain("<title>1 run: two</title>");
    expect(stderr).toMatch(/two\s+2 of 2/);
  });

  it("leaves out a last line that is not finished, and says what goes on", async () => {
    const torn = await changed(
      "torn",
      (lines) => `${lines.slice(0, -1).join("\n")}\n${lines.at(-1)!.slice(0, 40)}`,
    );
    const record = JSON.parse(await readFile(join(torn, "run.json"), "utf8"));
    await writeFile(join(torn, "run.json"), JSON.stringify({ ...record, result: null }));
    const page = path("torn.html");
    const { runs } = await onebitJson<RunComparison>("report", torn, "--out", page);
    expect(runs[0]).toMatchObject({ epochs: { done: 1, of: 2 }, finished: false });
    expect(await readFile(page, "utf8")).toContain("1 of 2, not finished");
  });

  it("names runs by their paths where they end alike, and warns where they were evaluated on other images", async () => {
    await mkdir(path("else"));
    const other = await changed(
      "else/two",
      (lines) => `${lines.join("\n").replaceAll('"test":{', '"validation":{')}\n`,
    );
    const page = path("alike.html");
    const { runs } = await onebitJson<RunComparison>("report", path("two"), other, "--out", page);
    expect(runs.map(({ name }) => name)).toEqual([path("two"), other]);
    expect(await readFile(page, "utf8")).toContain("do not compare these figures");
  });
});

describe("report refuses", () => {
  const refused = async (status: number, words: RegExp, ...args: string[]) => {
    const page = path("refused.html");
    const result = await onebit(
      "report",
      ...args,
      ...(args.includes("--out") ? [] : ["--out", page]),
    );
    expect(result.stderr).toMatch(words);
    expect(result.status).toBe(status);
    await expect(readFile(page)).rejects.toThrow(/ENOENT/);
  };

  it("no run", () => refused(2, /missing required argument 'runs'/));

  it("the same run twice, however it is called", async () => {
    await symlink(path("two"), path("link"));
    await refused(2, /two: is named twice: name every run once/, path("two"), path("two"));
    await refused(2, /link: is the run .*two: name every/, path("two"), path("link"));
  });

  it("what is no run", async () => {
    await mkdir(path("foreign"), { recursive: true });
    await refused(2, /nowhere: there is no such folder/, path("two"), path("nowhere"));
    await refused(
      2,
      /run\.json: is a file; the folder of a run is wanted/,
      path("two", "run.json"),
    );
    await refused(2, /foreign: holds no run \(there is no run\.json\)$/m, path("foreign"));
    await writeFile(path("foreign", "run.json"), '{"name":"something else"}');
    await refused(2, /foreign.run\.json: is not that of a onebit training/, path("foreign"));
    await writeFile(path("foreign", "run.json"), '{"name":');
    await refused(1, /foreign.run\.json: is not JSON: the file is damaged/, path("foreign"));
  });

  it("a folder of runs, which it names", async () => {
    await mkdir(path("study", "runs"), { recursive: true });
    for (const seed of [0, 1, 2, 3, 4])
      await cp(path("two"), path("study", "runs", `a-${seed}`), { recursive: true });
    await refused(
      2,
      /study: holds no run .*There are runs in it: .*a-0, .*a-3, \.\.\. \(5\)/,
      path("study"),
    );
  });

  it("a run without an epoch", async () => {
    const early = await changed("early", (lines) => `${lines[0]}\n`);
    await refused(2, /early: has no epoch to show: .*Leave it out/, path("two"), early);
  });

  it.each([
    ["no JSON", (lines: string[]) => [lines[0], "{oops", ...lines.slice(1)], /line 2: is not JSON/],
    ["no event", (lines: string[]) => ["[]", ...lines], /line 1: is no event of a training/],
    ["null", (lines: string[]) => ["null", ...lines], /line 1: is no event/],
    ["an epoch twice", (lines: string[]) => [...lines, lines.at(-1)!], /is epoch 2, after 2/],
    ["no figures", (lines: string[]) => [...lines, '{"event":"epoch","epoch":3}'], /lacks figures/],
  ])("a damaged line: %s", async (name, change, words) => {
    const run = await changed(`damaged ${name}`, (lines) => `${change(lines).join("\n")}\n`);
    await refused(1, words, path("two"), run);
    await refused(1, /metrics\.jsonl, line \d+: .*Remove the line, or leave the run out/, run);
  });

  it("the place of a run's own report", () =>
    refused(
      2,
      /is the report of the run itself/,
      path("two"),
      "--out",
      path("two", "report.html"),
    ));
});
