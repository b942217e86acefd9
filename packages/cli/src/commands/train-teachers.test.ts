import { readdir, writeFile } from "node:fs/promises";
import { readRun } from "@onebit/train";
import { beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { colourClassifier } from "../test-support/onnx.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const common = () => ["--data", `idx:${path("idx")}`, "--batch", "16", "--threads", "1"];
const student = (out: string, ...more: string[]) => [
  ...["train", "plain", ...common(), "--model", "bnext", "--widths", "8,8", "--epochs", "3"],
  ...["--set", "loss=gap-aware", "--out", path(out), ...more],
];
const teaching = () => [
  ...["--assistant", path("weak"), "--assistant", path("teacher.onebit")],
  ...["--teacher", path("teacher.onnx")],
];

/** One network as a run, packed and in ONNX. */
beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  const linear = ["--model", "linear", "--form", "real", "--epochs", "1"];
  await onebit("train", "plain", ...common(), ...linear, "--out", path("weak"));
  await onebit("pack", path("weak"), "-o", path("teacher.onebit"));
  await onebit("export", path("weak"), "--to", "onnx", "-o", path("teacher.onnx"));
}, 60_000);

it("learns from a run, a packed file and an ONNX file, and goes on by --resume --out alone", async () => {
  const { status, stderr } = await onebit(
    ...student("taught", ...teaching(), "--teacher-views", "2"),
  );
  expect([status, stderr]).toEqual([
    0,
    expect.stringContaining("asking the teachers: view 2 of 2"),
  ]);
  const right = /^(assistant|teacher) (\S+): ([\d.]+) % of the test images right$/gm;
  const said = [...stderr.matchAll(right)].map(([, role, , top1]) => [role, top1]);
  expect(said.map(([role]) => role)).toEqual(["assistant", "assistant", "teacher"]);
  expect(new Set(said.map(([, top1]) => top1)).size).toBe(1);
  const { teachers, teacherViews } = await readRun(path("taught"));
  expect([teachers?.length, teacherViews]).toEqual([3, 2]);
  // The packed file and the ONNX file differ from the run's: each is asked by itself.
  expect(await readdir(path("teacher-views"))).toHaveLength(3);
  const again = await onebitJson("train", "--resume", "--out", path("taught"));
  expect(again).toMatchObject({ epochs: 3 });
});

it.each<[string, () => string[], RegExp]>([
  [
    "a missing teacher",
    () => ["--teacher", path("nowhere.onnx")],
    /nowhere\.onnx: there is no such/,
  ],
  ["a teacher that is none", () => ["--teacher", path("notes.txt")], /notes\.txt/],
  [
    "a loss without its teacher",
    () => [],
    /the loss "gap-aware" of recipe plain asks a teacher: name one, such as --teacher FILE/,
  ],
  ["views of nobody", () => ["--teacher-views", "2"], /--teacher-views is of no use without/],
  ["a cache for nothing", () => [...teaching(), "--teacher-cache", "x"], /without --teacher-views/],
])("refuses %s", async (_, flags, message) => {
  await writeFile(path("notes.txt"), "no network");
  const { status, stderr } = await onebit(...student("refused", ...flags()));
  expect(stderr).toMatch(message);
  expect(status).toBeGreaterThan(0);
  expect(await readdir(path())).not.toContain("refused");
});

it("tells what a training would be and take, and writes nothing", async () => {
  const before = await readdir(path());
  const dry = student("dry", ...teaching(), "--dry-run");
  const { status, stdout } = await onebit(...dry);
  expect(status).toBe(0);
  for (const line of [
    /^epochs +3 +instead of 20$/m,
    /^loss +gap-aware +instead of cross-entropy$/m,
    /^assistant +\S+weak +opened and checked, not measured$/m,
    /^steps taken here +\d+ ms, \d+ ms +epochs 1 to 2: /m,
    /^memory, at least +[\d.]+ \w+ +[\d.]+ \w+ values, [\d.]+ \w+ state$/m,
    /^would take +\d+:\d\d +at this speed, nothing was written$/m,
  ]) {
    expect(stdout).toMatch(line);
  }
  const run = await onebitJson<{ seconds: number; stages: { epochs: number }[] }>(...dry);
  expect(run).toMatchObject({ recipe: { epochs: 3 }, stages: [{ name: null, epochs: 3 }] });
  expect(run.seconds).toBeGreaterThan(0);
  expect(await readdir(path())).toEqual(before);
  for (const [flag, why] of [
    ["--resume", /--dry-run does not go with --resume: /],
    ["--jsonl", /--dry-run does not go with --jsonl: there are no events/],
  ] as const) {
    const refused = await onebit("train", "--out", path("weak"), "--dry-run", flag);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringMatching(why)]);
  }
});

it("is told behind a ? what an ONNX file does not say, and remembers it", async () => {
  await writeFile(path("bare.onnx"), colourClassifier());
  const taught = (teacher: string, ...more: string[]) =>
    onebit(...student("bare", "--teacher", teacher, ...more));
  const untold = await taught(path("bare.onnx"));
  expect(untold.status).toBe(2);
  const [, example] = /--teacher '(.*bare\.onnx\?[^']*)' \(the usual values\)/.exec(untold.stderr)!;
  expect(example).toMatch(/\?mean=0\.485,0\.456,0\.406&std=0\.229,0\.224,0\.225$/);
  await writeFile(path("names.txt"), "0\n1\n2\n3\n");
  const told = `${example}&labels=${path("names.txt")}`;
  expect(await taught(told)).toMatchObject({ status: 0 });
  const { teachers } = await readRun(path("bare"));
  const { mean, std } = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const onnx = { labels: ["0", "1", "2", "3"], preprocess: { mean, std } };
  expect(teachers).toMatchObject([{ path: path("bare.onnx"), onnx }]);
  expect((await onebit("train", "--resume", "--out", path("bare"))).status).toBe(0);
  const other = await taught(`${path("bare.onnx")}?mean=0.5&std=0.5`, "--resume");
  expect(other.stderr).toMatch(/cannot go on with other teachers: .*bare\.onnx/);
  for (const [text, why] of [
    ["bare.onnx?std=0", /--teacher bare\.onnx\?std=0: std 0: every number must be above 0/],
    ["bare.onnx?mena=1", /unknown setting "mena".*mean/],
    ["bare.onnx?mean", /"mean": write mean=value/],
    [`${path("weak")}?mean=0.5`, /weak: says itself how images are prepared/],
  ] as const) {
    const { status, stderr } = await taught(text, "--overwrite");
    expect([status, stderr]).toEqual([2, expect.stringMatching(why)]);
  }
});
