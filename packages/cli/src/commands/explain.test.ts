import { describe, expect, it } from "vitest";
import type { Explanation } from "../explain/explain.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const tiny = ["bnext", "--widths", "8,8", "--classes", "4", "--input", "1x8x8"];

it("explains every step of a network, with shares that add up", async () => {
  const { steps, parts, stepsMs, wallMs, covered, backend, threads } =
    await onebitJson<Explanation>("explain", ...tiny, "--backend", "wasm");
  expect([backend, threads]).toEqual(["wasm", 1]);
  const sum = (list: readonly { share: number }[]) => list.reduce((s, { share }) => s + share, 0);
  expect(sum(steps)).toBeCloseTo(covered, 9);
  expect(sum(parts)).toBeCloseTo(1, 9);
  expect(steps.reduce((s, { milliseconds }) => s + milliseconds, 0)).toBeCloseTo(stepsMs, 9);
  expect(covered).toBeGreaterThan(0);
  expect(covered).toBeLessThanOrEqual(1);
  expect(wallMs).toBeGreaterThan(0);
});

it("prints tables and totals", async () => {
  const { status, stdout } = await onebit("explain", ...tiny, "--all");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^feature\.0 +3x3 1 to 8, .*real: the stem/m);
  expect(stdout).toMatch(/^fc +8 to 4 .*real: the classifier/m);
  expect(stdout).toMatch(/what limits the total/);
  expect(stdout).toMatch(/% of the time covered/);
  expect(stdout).toMatch(
    /^[\d.]+ ps per 1-bit multiply-add, [\d.]+ ps in the convolutions alone; the rest: .* \d+ %/m,
  );
});

it("says that maps are narrow, and counts their bytes", async () => {
  const args = ["explain", ...tiny, "--backend", "wasm"];
  const wide = await onebitJson<Explanation>(...args);
  const narrow = await onebitJson<Explanation>(...args, "--maps", "bfloat16");
  expect([wide.maps, narrow.maps]).toEqual(["float32", "bfloat16"]);
  const real = ({ steps }: Explanation) =>
    steps.reduce((sum, { bytes }) => sum + bytes.realActivations, 0);
  expect(real(narrow)).toBeLessThan(real(wide));
  const { stdout } = await onebit(...args, "--maps", "bfloat16");
  expect(stdout).toMatch(/^wasm, 1 thread, bfloat16 maps: [\d.]+ ms per image/m);
});

describe("explain refuses", () => {
  it.each([
    ["an unknown architecture", ["bnext-x"], 2, /unknown model "bnext-x"/],
    ["an unknown backend", [...tiny, "--backend", "gpu"], 2, /--backend gpu: must be auto/],
    ["maps of another type", [...tiny, "--maps", "half"], 2, /--maps half: must be float32/],
    ["a file that is not there", ["none.onebit"], 1, /none\.onebit/],
  ])("%s", async (_, args, expected, message) => {
    const { status, stderr, stdout } = await onebit("explain", ...args);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([expected, ""]);
  });
});
