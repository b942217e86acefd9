import { expect, it } from "vitest";
import type { BenchResult } from "./inference.js";
import { benchFigures, benchPage, markdownTable, scaling } from "./markdown.js";
import type { BenchReport } from "./report.js";

const result = (engine: string, threads: number, medianMs: number): BenchResult => ({
  ...{ subject: "bnext-t", engine, threads, medianMs, p5Ms: medianMs, p95Ms: medianMs },
  ...{ rounds: 9, backend: "wasm", batch: 1, loadMs: 5, peakBytes: 2 ** 20, convGmacs: 10 },
  coldLoadMs: 123,
  ratios: { wasm: medianMs / 20 },
});
const peer = {
  ...result("onnxruntime-web 1.0", 1, 200),
  ...{ bareConvGmacs: 40, handicap: "25 % of the bare convolution rate" },
};
const results = [result("onebit wasm", 1, 20), result("onebit wasm", 2, 11), peer];
const machine = {
  ...{ cpu: "A CPU", cores: 2, memoryGiB: 8, platform: "linux x64", node: "v20.20.2" },
};

const pageOf = (report: BenchReport, command: string) => benchPage(benchFigures(report, command));
const idle = { machine, version: "0.1.0", loadAverage: 0.1, failed: [] };

it("says where other programs were running", () => {
  expect(pageOf({ ...idle, results }, "x")).not.toMatch(/other programs/);
  expect(pageOf({ ...idle, results, loadAverage: 3.21 }, "x")).toContain(
    "**Note:** other programs were running (load average 3.2 on 2 cores)",
  );
});

it("has a row for a peer that does not run a network, and its reason", () => {
  const reason = "bnext-t: onnxruntime-web cannot load it: out of memory";
  const named = { subject: "nets/bnext-t", engine: "onnxruntime-web 1.0", backend: "wasm" };
  const failed = [{ ...named, threads: 1, batch: 1, reason }];
  const page = pageOf({ ...idle, results, failed }, "x");
  expect(page).toMatch(/^\| onnxruntime-web 1\.0 \| 1 \| does not run \|/m);
  expect(page).toContain(`- on onnxruntime-web 1.0, 1 thread: ${reason}`);
});

it("compares several threads with one, engine by engine", () => {
  expect(scaling(results).rows).toEqual([["bnext-t", "onebit wasm", 2, "1.82 x"]]);
});

it("escapes what would end a cell", () => {
  const columns = { head: ["a|b", "c"], rows: [["x", 1]] };
  expect(markdownTable(columns)).toBe("| a\\|b | c |\n| --- | --- |\n| x | 1 |");
});

it("writes machine, command, networks, threads, kernels", () => {
  const kernelResult = { ...result("onebit wasm", 1, 1), gmacs: 140 };
  const rows = [{ shape: "3x3 256 to 256, 14x14", networks: [], macs: 1, results: [kernelResult] }];
  const kernels = { threads: 1, clockGHz: 3.5, rows };
  const page = pageOf({ ...idle, results, kernels }, "npx onebit bench x");
  expect(page).toMatch(
    /^# Benchmarks\n\n<!-- figures: measured -->\n\nonebit 0\.1\.0, Node v20\.20\.2, linux x64, A CPU/,
  );
  expect(page).toContain("npx onebit bench x");
  expect(page).toContain("| onnxruntime-web 1.0 * | 1 | 200 | 200 to 200 | 10.00 x |");
  expect(page).toMatch(/\| load ms \| cold load \| RSS MiB \|/);
  expect(page).toMatch(/\| 5 \| 123 \| 1\.0 \|/);
  expect(page).toContain("- bnext-t on onnxruntime-web 1.0, 1 thread: 25 %");
  expect(page).toContain("| 3x3 256 to 256, 14x14 |");
  expect(page.match(/^## .*/gm)).toEqual(["## Networks", "## Threads", "## Kernels"]);
  expect(page.endsWith("\n")).toBe(true);
});

it("says whether the networks are those that the tests compare with the official code", () => {
  expect(pageOf({ ...idle, results }, "x")).toContain("Maps between steps are float32");
  const narrow = [{ ...results[0], maps: "bfloat16" as const }, peer];
  const page = pageOf({ ...idle, results: narrow }, "x");
  expect(page).toContain("**Note:** rows with narrower maps");
  expect(page).not.toContain("Maps between steps are float32");
});
