import { readFile, stat } from "node:fs/promises";
import type { Summary } from "onebit/cost";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();

interface Ends {
  readonly ends848: { readonly ops: number; readonly bytes: { readonly packed: number } };
}

/** Figures of the articles and of the authors' code. */
describe("published figures", () => {
  it("of BNext-T", async () => {
    const summary = await onebitJson<Summary & Ends>("summary", "bnext-t");
    expect(summary).toMatchObject({ parameters: 30_862_236, binaryParameters: 28_253_184 });
    expect(summary.binaryMacs / 1e9).toBeCloseTo(4.82, 2);
    expect(summary.ends848.ops / 1e9).toBeCloseTo(0.077, 3);
    expect(summary.bytes.packed / 2 ** 20).toBeCloseTo(13.3, 1);
    expect(summary.bytes.float32).toBe(4 * summary.parameters);
    expect(summary.binaryShareOfMacs).toBeCloseTo(summary.binaryMacs / summary.macs, 12);
    expect(summary.binaryShareOfParameters).toBeCloseTo(28_253_184 / 30_862_236, 12);
    const inLayers = summary.layers.reduce((sum, { macs }) => sum + macs, 0);
    expect(inLayers).toBe(summary.macs);
  });

  it("of BNext-T with quantised ends", async () => {
    const summary = await onebitJson<Summary>("summary", "bnext-t", "--quantised", "8-4-8");
    expect(summary.ends).toBe("8-4-8");
    expect(summary.ops / 1e6).toBeCloseTo(76.84, 2);
    expect(summary.bytes.packed / 2 ** 20).toBeCloseTo(5.36, 2);
  });

  it("of ReActNet-A", async () => {
    const summary = await onebitJson<Summary>("summary", "reactnet-a");
    expect(summary.parameters).toBe(29_343_592);
    expect(summary.ops / 1e8).toBeCloseTo(0.87, 2);
  });

  it("in words", async () => {
    const { status, stdout } = await onebit("summary", "bnext-t");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^feature\.13 +1024x7x7 +11,026,688/m);
    expect(stdout).toMatch(/^parameters +30,862,236 +28,253,184 1-bit \(91\.55 %\)$/m);
    expect(stdout).toMatch(/^multiply-accumulates +4\.83 G +4\.82 G 1-bit \(99\.72 %\)$/m);
    expect(stdout).toMatch(/^size, packed +13\.29 MiB +5\.36 MiB with/m);
  });
});

it("takes switches, and shows single layers", async () => {
  const args = ["summary", "bnext", "--widths", "8,8", "--classes", "3", "--input", "1x8x8"];
  const { stdout } = await onebit(...args, "--layers");
  // 3x3 over 8 channels at 8x8 positions.
  expect(stdout).toMatch(
    /^feature\.1\.Attention\.binary_conv +binary-conv +8x8x8 +576 +36\.9 k +100 %/m,
  );
  const real = await onebitJson<Summary>(...args, "--form", "real");
  expect(real.binaryMacs).toBe(0);
  const plain = await onebitJson<Summary>(...args);
  // As import and summary print them.
  expect(await onebitJson(...args.with(3, "8x2"))).toEqual(plain);
  expect(plain.binaryMacs).toBe(8 * 8 * (8 * 8 * 9 + 8 * 8));
});

it("predicts what a training step takes", async () => {
  const tiny = ["summary", "bnext", "--widths", "8,8", "--classes", "3", "--input", "1x8x8"];
  interface Training {
    readonly training: { readonly macs: number; readonly memory: { readonly total: number } };
  }
  const of = async (batch: string) =>
    (await onebitJson<Training>(...tiny, "--train", "--batch", batch)).training;
  const [small, large] = [await of("4"), await of("8")];
  expect(large.macs).toBe(2 * small.macs);
  expect(large.memory.total).toBeGreaterThan(1.5 * small.memory.total);
  const { stdout } = await onebit(...tiny, "--train", "--batch", "8");
  expect(stdout).toMatch(/^training step, batch 8$/m);
  expect(stdout).toMatch(/^peak memory +[\d.]+ kB/m);
});

describe("of files", () => {
  it("a float model says what its architecture does", async () => {
    const model = await writeFloatModel(path("tiny.safetensors"), tinyBnext());
    const args = ["bnext", "--widths", "8,8", "--classes", "4", "--input", "1x8x8"];
    expect(await onebitJson("summary", model)).toEqual(await onebitJson("summary", ...args));
  });

  it("a packed one counts its bits and its bytes", async () => {
    const float = await writeFloatModel(path("float.safetensors"), tinyBnext());
    const packed = path("tiny.onebit");
    await onebit("pack", float, "-o", packed);
    const summary = await onebitJson<Summary>("summary", packed);
    const graph = await onebitJson<Summary>("summary", float);
    expect(summary.bytes.packed).toBe((await stat(packed)).size);
    for (const field of ["macs", "binaryMacs", "binaryParameters", "ops"] as const) {
      expect(summary[field], field).toBe(graph[field]);
    }
    expect(summary.blocks.map(({ name }) => name)).toEqual([
      "feature.0",
      "feature.1",
      "avgpool",
      "fc",
    ]);
    const { stdout } = await onebit("summary", packed);
    expect(stdout).toMatch(/^feature\.1 +8x8x8 .* 100 %/m);
    // The file says which widths its real weights have: nothing to guess about.
    expect(stdout).not.toContain("4-bit");
    expect((await readFile(packed)).length).toBe(summary.bytes.packed);
  });
});
