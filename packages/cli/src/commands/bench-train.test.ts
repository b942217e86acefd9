import type { DistillationCost } from "@onebit/train";
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
