import { readdir, readFile, writeFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { onebit } from "../test-support/run-cli.js";

const path = temporaryFolder();
beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  await writeFile(path("rate.mjs"), "export default ({ step }) => 0.01 / (step + 1);");
});

const train = (out: string, ...more: string[]) =>
  onebit(
    ...["train", "plain", "--data", `idx:${path("idx")}`, "--model", "bnext", "--widths", "4,8"],
    ...["--batch", "16", "--epochs", "1", "--threads", "1", "--out", path(out), ...more],
  );

/** The optimiser of the guide's example. */
async function guidesGroups(): Promise<string> {
  const guide = await readFile(new URL("../../../../docs/training.md", import.meta.url), "utf8");
  const [, groups] = /^--set optimiser\.groups='(.*)'$/m.exec(guide)!;
  return groups;
}

it("freezes, slows and groups tensors by their keys, and takes a schedule of one's own", async () => {
  const groups = `optimiser.groups=${await guidesGroups()}`;
  const freeze = ["--freeze", "feature.0.*", "--freeze", "fc.bias", "--rate", "fc.*=0.5"];
  const own = ["--set", groups, "--set", `schedule.kind=${path("rate.mjs")}`];
  const { status, stderr } = await train("own", ...freeze, ...own);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  const { recipe } = JSON.parse(await readFile(path("own", "run.json"), "utf8"));
  expect(recipe.optimiser).toMatchObject({
    freeze: ["feature.0.*", "fc.bias"],
    rates: [{ pattern: "fc.*", factor: 0.5 }],
    groups: [{ name: "bits", role: "binary", kind: "bop" }],
  });
  expect(recipe.schedule.kind).toMatch(/^file:.*rate\.mjs\?sha256=\w+$/);
});

it.each<[string, string[], number, RegExp]>([
  [
    "a pattern that no tensor has",
    ["--freeze", "stem.*"],
    2,
    /freeze "stem\.\*": .*no such tensor/,
  ],
  ["everything", ["--freeze", "*"], 2, /freeze "\*": nothing of bnext is left to train/],
  ["a rate without a factor", ["--rate", "fc.*"], 2, /--rate fc\.\*: .*such as 'layer1\.\*=0\.1'/],
  ["a rate of 0", ["--rate", "fc.*=0"], 2, /--rate fc\.\*=0: .*a factor above 0/],
  ["a module that is not there", ["--set", "optimiser.kind=./none.mjs"], 2, /none\.mjs/],
])("refuses %s before anything is written", async (_, flags, wanted, message) => {
  const { status, stderr } = await train("refused", ...flags);
  expect([status, stderr]).toEqual([wanted, expect.stringMatching(message)]);
  expect(await readdir(path())).not.toContain("refused");
});
