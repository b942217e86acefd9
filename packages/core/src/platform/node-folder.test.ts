import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeFolder } from "./node-folder.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-folder-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("makes what is missing, by several at once too, and says the first that it made", async () => {
  const path = join(folder, "a", "b", "c");
  expect(await makeFolder(path)).toBe(join(folder, "a"));
  expect(await makeFolder(path)).toBeUndefined();
  await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(folder, "d", "e"))));
  expect((await stat(join(folder, "d", "e"))).isDirectory()).toBe(true);
});

it("fails where a file is in its way", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(join(folder, "file", "a", "b"))).rejects.toMatchObject({
    code: "ENOTDIR",
  });
});

it.runIf(process.platform === "linux")("ends where the system makes no folders", async () => {
  await expect(makeFolder("/proc/onebit/none")).rejects.toMatchObject({ code: "ENOENT" });
});
