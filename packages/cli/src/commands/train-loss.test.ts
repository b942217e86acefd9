import { readdir, rm } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { onebit } from "../test-support/run-cli.js";

const path = temporaryFolder();
beforeAll(() => writeIdxFolder(path("idx")));

const train = (out: string, ...settings: string[]) =>
  onebit(
    ...["train", "plain", "--data", `idx:${path("idx")}`, "--model", "linear", "--form", "real"],
    ...["--batch", "16", "--epochs", "2", "--threads", "1", "--out", path(out)],
    ...settings.flatMap((setting) => ["--set", setting]),
  );

it("refuses a loss that asks for what the network lacks, before anything is written", async () => {
  const { status, stderr } = await train("lacking", "loss=attention(output=map, student=map)");
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/the loss "attention.*: linear has no output "map"; there are .*logits/),
  ]);
  expect(await readdir(path())).not.toContain("lacking");
});

it.each<[string, string[], RegExp]>([
  [
    "in the first step",
    ["loss=1e38*cross-entropy + 1e39*cross-entropy"],
    /the loss ".*1e39\*cross-entropy" is (Infinity|NaN) at epoch 1, step 1 .*: no step was taken before/,
  ],
  [
    "later",
    ["schedule.learningRate=1e38"],
    /"cross-entropy" is (NaN|Infinity) at epoch [12], step [2-6] .*: lower schedule\.learningRate/,
  ],
])("names the loss that is not finite %s, and how to go on", async (_, settings, message) => {
  const { status, stderr } = await train("stopped", ...settings, "keep=last", "clip=null");
  expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  expect(stderr).toMatch(/state\.safetensors holds the state before the first epoch|after epoch 1/);
  const again = await onebit("train", "--resume", "--out", path("stopped"));
  expect(again.stderr).toMatch(message);
  await rm(path("stopped"), { recursive: true });
});
