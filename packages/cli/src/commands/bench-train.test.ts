import type { BesideCost, DistillationCost, ObservationCost } from "@onebit/train";
import { expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const tiny = ["bnext", "--widths", "8,8", "--classes", "4", "--input", "1x8x8"];

it("measures what a teacher costs a training, in turns", async () => {
  const teacher = await writeFloatModel(path("tiny.safetensors"), tinyBnext());
  const args = [
    "bench",
    ...tiny,
    "--train",
    "--batch",
    "4",
    "--threads",
    "1",
    "--teacher",
    teacher,
  ];
  const { distillation } = await onebitJson<{ distillation: DistillationCost }>(...args);
  expect(distillation).toMatchObject({ teacher, batch: 4, threads: 1, rounds: 15 });
  const { plain, kept, asked } = distillation;
  expect(plain.ratio).toEqual({ median: 1, p25: 1, p75: 1 });
  for (const { medianMs, ratio, cpuRatio } of [plain, kept, asked]) {
    expect(medianMs).toBeGreaterThan(0);
    for (const { median, p25, p75 } of [ratio, cpuRatio]) {
      expect(p25).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(p25);
      expect(p75).toBeGreaterThanOrEqual(median);
    }
  }
  const { status, stderr } = await onebit("bench", ...tiny, "--teacher", teacher);
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining("goes with --train: only trainings learn"),
  ]);
});

it("measures what it costs to be observed, in turns", async () => {
  const args = ["bench", ...tiny, "--train", "--batch", "4", "--threads", "1", "--observe", "50"];
  const { observation } = await onebitJson<{ observation: ObservationCost }>(...args);
  expect(observation).toMatchObject({ batch: 4, threads: 1, rounds: 21, every: 50 });
  const { plain, unobserved, observed, share } = observation;
  for (const { medianMs } of [plain, unobserved, observed]) expect(medianMs).toBeGreaterThan(0);
  expect(share.median).toBeCloseTo((observed.ratio.median - 1) / 50, 10);
  const { status, stderr } = await onebit("bench", ...tiny, "--observe", "50");
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining("goes with --train: only trainings are observed"),
  ]);
});

it("measures what trainings cost each other, side by side in processes of their own", async () => {
  const args = ["bench", "bnext", "--widths", "4,8", "--train", "--batch", "4", "--beside", "2"];
  const { beside } = await onebitJson<{ beside: BesideCost }>(...args);
  expect(beside).toMatchObject({ model: "bnext", batch: 4, threads: 1, trainings: 2, rounds: 9 });
  expect(beside.alone.ratio).toEqual({ median: 1, p25: 1, p75: 1 });
  expect(beside.together.ratio.median).toBeGreaterThan(0);
  const { status, stderr } = await onebit("bench", "bnext", "--beside", "2");
  expect([status, stderr]).toEqual([2, expect.stringContaining("goes with --train")]);
});
