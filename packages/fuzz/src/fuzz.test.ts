import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const timeout = 900_000;

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "onebit-fuzz-"));
});
afterEach(() => rmSync(state, { recursive: true }));

/** The command, built; its inputs run in processes of their own. */
async function fuzz(...flags: readonly string[]): Promise<{ status: number; output: string }> {
  const list = [folder("../dist/main.js"), ...flags, "--resume", state];
  return new Promise((resolve) => {
    execFile(process.execPath, list, (error, output, errors) => {
      resolve({ status: error ? Number(error.code) : 0, output: output + (output ? "" : errors) });
    });
  });
}

describe("the fuzzers find nothing in", () => {
  const processes = String(availableParallelism());

  it.each([
    ["onebit", "10000"],
    ["checkpoint", "2000"],
    ["geometry", "300"],
    ["vectors", "1000"],
  ])("%s, %s inputs", { timeout }, async (name, count) => {
    const { status, output } = await fuzz(name, "--count", count, "--processes", processes);
    console.log(output);
    expect(status, output).toBe(0);
  });
});

describe("a campaign", () => {
  const misbehaving = folder("test-support/misbehaving.mjs");

  it("tells crashes, wrong errors, full memory and lost rejections by their number", async () => {
    const { status, output } = await fuzz(misbehaving, "--count", "12", "--batch", "6");
    expect(status).toBe(1);
    const failed = [...output.matchAll(/failed: input (\d+): (.*)/g)].map(([, n, why]) => [n, why]);
    expect(failed).toEqual([
      ["3", "ended by SIGABRT"],
      ["5", "TypeError: no such thing"],
      ["7", expect.stringMatching(/^memory reached 1\d\d\d MiB$/)],
      ["9", "a rejection that nobody handled: Error: nobody waits"],
    ]);
    expect(output).toContain("8 refused, 0 ran, 4 failed");
    const kept = readdirSync(join(state, "failures")).filter((name) => name.endsWith(".bin"));
    expect(kept.sort()).toEqual([5, 7, 9].map((n) => `misbehaving-1-${n}.bin`));
    expect(readFileSync(join(state, "failures", "misbehaving-1-7.txt"), "utf8")).toMatch(
      /^input 7 of 1\n\nmemory reached/,
    );
  });

  it("goes on where it stopped, and refuses another's folder", async () => {
    expect((await fuzz(misbehaving, "--count", "3")).output).toContain("3 refused");
    expect((await fuzz(misbehaving, "--count", "5")).output).toMatch(/inputs 0 to 5: 4 refused/);
    const other = await fuzz("geometry", "--count", "1");
    expect(other).toMatchObject({ status: 2, output: expect.stringContaining("choose another") });
  });
});
