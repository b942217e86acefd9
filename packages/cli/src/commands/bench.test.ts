import { expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const tiny = ["bnext", "--widths", "8,8", "--classes", "4", "--input", "1x8x8"];

interface Bench {
  readonly machine: { readonly cores: number; readonly node: string };
  readonly version: string;
  readonly results: readonly { readonly [field: string]: unknown }[];
}

it("measures onebit and ONNX Runtime on a packed file", async () => {
  const float = await writeFloatModel(path("tiny.safetensors"), tinyBnext());
  const packed = path("tiny.onebit");
  await onebit("pack", float, "-o", packed);
  const { machine, version, results } = await onebitJson<Bench>("bench", packed);
  const { macs } = await onebitJson<{ macs: number }>("summary", float);
  expect(machine.node).toBe(process.version);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(results.map(({ engine }) => engine)).toEqual([
    expect.stringMatching(/^onebit (wasm|reference)$/),
    expect.stringMatching(/^onnxruntime-node \d/),
  ]);
  for (const result of results) {
    expect(result).toMatchObject({ subject: packed, threads: 1, batch: 1 });
    expect(result.backend).toMatch(/^(wasm|reference|cpu)$/);
    const number = (field: string) => result[field] as number;
    expect(number("p5Ms")).toBeGreaterThan(0);
    expect(number("medianMs")).toBeGreaterThanOrEqual(number("p5Ms"));
    expect(number("p95Ms")).toBeGreaterThanOrEqual(number("medianMs"));
    expect(number("loadMs")).toBeGreaterThan(0);
    expect(number("peakBytes")).toBeGreaterThanOrEqual(0);
    expect(number("convGmacs")).toBeCloseTo(macs / number("medianMs") / 1e6, 6);
  }
});

it("takes an architecture with random weights, and prints a table", async () => {
  const { status, stdout } = await onebit("bench", ...tiny);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^onebit wasm +1 +[\d.]+ +[\d.]+ to [\d.]+ +1\.00 x/m);
  expect(stdout).toMatch(/^onnxruntime-node/m);
});

it.each([
  ["--batch without --train", [...tiny, "--batch", "4"], /--batch goes with --train/],
  ["an unknown architecture", ["bnext-x"], /unknown model "bnext-x": did you mean/],
  ["a file with --train", ["x.onebit", "--train"], /takes an architecture, such as bnext-18/],
  ["a file with switches", ["x.onebit", "--widths", "8,8"], /x\.onebit is a file and says itself/],
])("refuses %s", async (_, args, message) => {
  const { status, stderr } = await onebit("bench", ...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
