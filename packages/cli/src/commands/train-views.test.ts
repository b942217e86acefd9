import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { onebit } from "../test-support/run-cli.js";

/** Bytes that are free on every disk. */
const disk = vi.hoisted(() => ({ free: 1e12 }));
vi.mock("node:fs/promises", async (original) => ({
  ...(await original<typeof import("node:fs/promises")>()),
  statfs: async () => ({ bavail: disk.free / 1000, bsize: 1000 }),
}));

const path = temporaryFolder();
const idx = (folder: string) => ["--data", `idx:${path(folder)}`, "--threads", "1"];
const plain = ["train", "plain", "--batch", "16", "--model", "linear", "--form", "real"];

let run = 0;
/** A student of a teacher whose two views are kept. */
const student = (teacher: string, ...more: string[]) =>
  onebit(
    ...[...plain, "--epochs", "2", "--out", path(`run-${run++}`), "--set", "loss=distribution"],
    ...["--teacher", path(teacher), "--teacher-views", "2", ...more],
    ...(more.includes("--data") ? [] : idx("idx")),
    ...(more.includes("--teacher-cache") ? [] : ["--teacher-cache", path("kept")]),
  );
const kept = async () => (await readdir(path("kept"))).toSorted();
const asked = /asking the teachers: view 1 of 2/;

beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  await writeIdxFolder(path("others"), { train: 64 });
  for (const [seed, name] of ["teacher", "other"].entries()) {
    await onebit(
      ...plain,
      ...idx("idx"),
      "--epochs",
      "1",
      "--seed",
      `${seed}`,
      "--out",
      path(name),
    );
  }
  expect((await student("teacher")).stderr).toMatch(asked);
}, 60_000);
beforeEach(() => {
  disk.free = 1e12;
});

it.each<[string, () => string[], string]>([
  ["seed", () => ["--seed", "5"], "seed"],
  ["augmentation", () => ["--set", "augment.flip=true"], "augment"],
  ["data", () => idx("others"), "data"],
])("what was said of another %s is not taken for this, which is said", async (_, more, fact) => {
  const before = await kept();
  const { status, stderr } = await student("teacher", ...more());
  expect([status, stderr]).toEqual([0, expect.stringMatching(asked)]);
  expect(stderr).toMatch(
    new RegExp(
      `warning teacher .*teacher: .*kept.* holds what it said with another ${fact}[, \\w]*: it is asked anew`,
    ),
  );
  expect((await kept()).length).toBe(before.length + 1);
});

it("another teacher has views of its own; the same one is not asked again", async () => {
  const before = await kept();
  expect((await student("other")).stderr).toMatch(asked);
  expect((await kept()).length).toBe(before.length + 1);
  expect((await student("teacher")).stderr).not.toMatch(asked);
});

it("a view that is cut off is asked again, a damaged one is named", async () => {
  const folders = await Promise.all(
    (await kept()).map(async (name) => ({
      folder: path("kept", name),
      key: JSON.parse(await readFile(join(path("kept", name), "key.json"), "utf8")),
    })),
  );
  const isUsual = ({ key }: (typeof folders)[number]) =>
    key.seed === 0 && JSON.stringify(key.augment) === "{}";
  for (const { folder } of folders.filter(isUsual)) await truncate(join(folder, "view-0.f16"), 100);
  expect((await student("teacher")).stderr).toMatch(/asking the teachers: view 1 of 1/);
  for (const { folder } of folders.filter(isUsual)) {
    const file = join(folder, "view-1.f16");
    const bytes = await readFile(file);
    bytes[3] ^= 4;
    await writeFile(file, bytes);
  }
  const { status, stderr } = await student("teacher");
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /view-1\.f16: what a teacher said is damaged, or the file is of another view or teacher: delete it, and the teacher is asked again\. .*state\.safetensors holds the state after epoch 1/,
  );
});

it("views that have no room are refused with their size, before anything is written", async () => {
  disk.free = 500;
  const before = await readdir(path());
  const { status, stderr } = await student(
    "teacher",
    "--seed",
    "9",
    "--teacher-cache",
    path("new/kept"),
  );
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(
      /new\/kept: what teachers say of 2 views of 48 images takes 0\.8 kB, 0\.5 kB are free: take fewer views \(--teacher-views\), or another folder \(--teacher-cache\)/,
    ),
  ]);
  expect(await readdir(path())).toEqual(before);
});
