import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool, SANITIZED } from "../test-support/c-compiler.js";
import { type Arithmetic, randomDifference } from "../test-support/random-c.js";

// ONEBIT_FULL=1 npx vitest run packages/convert/src/c/random-programs.test.ts: 500 of each.
const full = process.env.ONEBIT_FULL !== undefined;
const compiler = findTool(["gcc", "cc", "clang"], "gcc");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-c-"));
});
// Thousands of programs are gone slowly on a busy disk.
afterAll(() => rm(folder, { recursive: true }), 120_000);

/** Seeds, which sources are compiled with sanitizers at the end. */
const cases: [Arithmetic, number, number, readonly string[]][] = [
  ["float", 0, full ? 480 : 48, ["-O0"]],
  ["float", full ? 480 : 48, full ? 500 : 50, SANITIZED],
  ["integer", 100, full ? 580 : 118, ["-O0"]],
  ["integer", full ? 580 : 118, full ? 600 : 120, SANITIZED],
];

describe.skipIf(!compiler)("random programs as C", () => {
  it.each(cases)(
    "%s, %i to %i: what onebit computes, bit for bit",
    async (arithmetic, from, to, flags) => {
      const given = { compiler: compiler!, folder, flags };
      for (let seed = from; seed < to; seed++) {
        expect(await randomDifference(seed, arithmetic, given)).toBeUndefined();
      }
    },
    full ? 3_600_000 : 180_000,
  );
});
