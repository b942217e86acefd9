import { OnebitError } from "onebit";
import { type ConformanceReport, runConformance, subjectsHere } from "onebit/conformance";
import { expect, it } from "vitest";
import { sendable } from "../foreign-text.js";
import { terminalOutput } from "../terminal.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";
import { conclude } from "./selftest.js";

type SelftestResult = ConformanceReport & { readonly machine: object };

it("prints what was tried, on what, and that it passed", async () => {
  const report = await onebitJson<SelftestResult>(
    ...["selftest", "--threads", "1", "--backend", "wasm,reference", "--seed", "7"],
  );
  expect(report).toMatchObject({ ok: true, seed: 7, failures: [] });
  expect(report.machine).toHaveProperty("cpu");
  expect(report.subjects.map(({ backend }) => backend)).toEqual(["wasm", "reference"]);
  expect(report.faults.every(({ seeded, caught }) => seeded === caught)).toBe(true);

  const lines: string[] = [];
  const out = {
    ...terminalOutput({ json: true }),
    result() {},
    line: (text = "") => lines.push(text),
  };
  conclude(out, report, {});
  const stdout = lines.map(sendable).join("\n");
  expect(stdout).toMatch(/^wasm +1 of 1 +3,2\d\d +300 +0 /m);
  expect(stdout).toMatch(/^reference +1 of 1 +3,2\d\d +is the reference +0 /m);
  expect(stdout).toMatch(/^stride 2 +\d+\.\d % +20 %$/m);
  expect(stdout).toMatch(/^swapped channels +4 +4 +\d+$/m);
  expect(stdout).toMatch(/^passed: none of [\d,]+ integers differs/m);
});

it("names what is wrong, and ends with status 1", async () => {
  const { subjects } = await subjectsHere(["reference"]);
  const report = await runConformance({ subjects, convolutions: 32, networks: 1, faults: 0 });
  const bad = { ...report, ok: false, failures: ["reference, threads 1: conv 3 differs"] };
  const finish = () => conclude(terminalOutput({ jsonl: true }), bad, {});
  expect(finish).toThrow(OnebitError);
  expect(finish).toThrow(
    /selftest: wrong results: \d+; .*\n {2}reference, threads 1: conv 3 differs/,
  );
});

it("refuses backends and threads that do not exist", async () => {
  for (const [flag, value] of [
    ["--backend", "wasm,gpu"],
    ["--threads", "1,0"],
    ["--seed", "x"],
  ]) {
    const { status, stderr } = await onebit("selftest", flag, value);
    expect(status).toBe(2);
    expect(stderr).toContain(flag);
  }
});
