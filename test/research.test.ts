import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeIdxFolder } from "../packages/cli/src/test-support/idx.js";
import { listingsIn } from "./browser/markdown.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const onebit = join(root, "packages/cli/bin/onebit.js");
const listings = listingsIn(await readFile(join(root, "docs/research.md"), "utf8"));
const of = (kind: string) =>
  listings.filter(({ language }) => language === kind).map(({ code }) => code);

/** Every epoch that a run has logged. */
interface Logged {
  readonly event: string;
  readonly train: { readonly loss: number };
  readonly test: { readonly metrics?: { readonly flatness: number } };
}

describe("docs/research.md", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-research-"));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    for (const code of of("mjs")) {
      const [, name] = /^\/\/ ([\w-]+\.mjs)/.exec(code)!;
      await writeFile(join(folder, name), code);
    }
    await writeIdxFolder(join(folder, "pictures"));
    const study = JSON.parse(of("json")[0]);
    const quick = { ...study.overrides, epochs: 1 };
    const small = { ...study, trainImages: 150, testImages: 72, seeds: 1, overrides: quick };
    small.switches = { widths: [4, 8], stemStride: 2 };
    await writeFile(join(folder, "idea.json"), JSON.stringify(small));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A command of the page, with further flags. */
  const command = async (line: string, ...more: string[]): Promise<string> => {
    const [, , ...words] = line.replaceAll("\\\n", " ").trim().split(/\s+/);
    const args = [onebit, ...words, ...more];
    const { stdout, stderr } = await run(process.execPath, args, { cwd: folder });
    return stdout + stderr;
  };
  const commands = of("").flatMap((block) => block.trim().split(/\n(?! )/));

  async function epochs(name: string): Promise<Logged[]> {
    const text = await readFile(join(folder, name, "metrics.jsonl"), "utf8");
    const events = text.trim().split("\n");
    return events.map((line) => JSON.parse(line)).filter(({ event }) => event === "epoch");
  }

  it("trains with its modules: the loss is what onebit's own words for it are", async () => {
    const line = commands[0].replace("glyphs", "idx:pictures");
    const told = await command(line, "--widths", "4,8", "--threads", "1");
    expect(told).toMatch(/^epoch .* flatness \d/m);
    const inWords = line
      .replace("./kurtosis.mjs", "cross-entropy+0.1*kurtosis")
      .replace("runs/idea", "runs/words");
    await command(inWords, "--widths", "4,8", "--threads", "1");
    const [[own], [usual]] = [await epochs("runs/idea"), await epochs("runs/words")];
    expect(own.train.loss).toBeCloseTo(usual.train.loss, 4);
    expect(own.test.metrics!.flatness).toBeGreaterThan(1);
  });

  it("trains with the optimiser of docs/training.md, whose moments are kept", async () => {
    const page = await readFile(join(root, "docs/training.md"), "utf8");
    const lion = listingsIn(page).find(({ language }) => language === "mjs")!;
    await writeFile(join(folder, "lion.mjs"), lion.code);
    const line =
      "npx onebit train plain --data idx:pictures --out runs/lion --epochs 1 --threads 1";
    const small = ["--model", "reactnet", "--widths", "4,8"];
    await command(line, ...small, "--set", "optimiser.kind=./lion.mjs");
    const state = await readFile(join(folder, "runs/lion/checkpoint/state.safetensors"), "latin1");
    expect(state).toContain("optimiser/momentum/fc.weight");
  });

  it("goes from the study to a table", async () => {
    const [, plan, study] = commands;
    expect(await command(plan)).toMatch(/^4 runs/m);
    const table = await command(study, "--priority", "normal");
    for (const name of ["kurtosis", "grain", "rate"]) {
      expect(table).toMatch(new RegExp(`^${name} - usual +test\\.top1 +1 `, "m"));
      expect(table).toMatch(new RegExp(`^${name} - usual +test\\.metrics\\.flatness +1 `, "m"));
    }
    await command(commands[3]);
    const page = await readFile(join(folder, "three.html"), "utf8");
    for (const name of ["idea", "grain-seed0", "usual-seed0"]) expect(page).toContain(name);
    expect(page).toContain("&quot;title&quot;:&quot;flatness&quot;");
  }, 240_000);

  it("has a loop that trains, and goes on to the same end", async () => {
    const code = of("ts")[0]
      .replace(/^ {2}type .*\n/gm, "")
      .replaceAll(/: EpochEvent| as const/g, "")
      .replace('"glyphs"', 'await openDataset("glyphs", { trainImages: 64, testImages: 36 })')
      .replace("{ openLoader }", "{ openDataset, openLoader }")
      .replace('"reactnet-nano"', '"reactnet", switches: { widths: [4, 8] }, batch: 32')
      .replace('"runs/loop"', "process.argv[2]");
    await writeFile(join(folder, "loop.mjs"), code);
    await writeFile(join(folder, "stops.mjs"), code.replace("epoch < recipe.epochs", "epoch < 1"));
    const loop = async (file: string, ...args: string[]) =>
      (await run(process.execPath, [file, ...args], { cwd: folder })).stdout;
    const whole = await loop("loop.mjs", "whole");
    expect(whole).toMatch(/^epoch 1: loss \d.*\nepoch 2: loss \d.*\n$/);
    const halves = [
      await loop("stops.mjs", "halves"),
      await loop("loop.mjs", "halves", "--resume"),
    ];
    expect(halves.join("")).toBe(whole);
    const state = (name: string) =>
      readFile(join(folder, name, "best/../checkpoint/state.safetensors"));
    const weights = async (name: string) => (await state(name)).subarray(-4000);
    expect((await weights("halves")).equals(await weights("whole"))).toBe(true);
    expect(await readFile(join(folder, "halves", "report.html"), "utf8")).toContain("top-1");
  });
});
