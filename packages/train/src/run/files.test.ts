import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { explain, removeTemporaries, writeWhole } from "./files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("replaces a file whole", async () => {
  const path = join(folder, "a");
  await writeWhole(path, "one");
  await writeWhole(path, new TextEncoder().encode("two"));
  expect(await readFile(path, "utf8")).toBe("two");
  expect(await readdir(folder)).toEqual(["a"]);
});

it("leaves everything as it was where writing fails, and says what was to be written", async () => {
  const path = join(folder, "taken");
  await mkdir(path);
  await writeFile(join(path, "inside"), "kept");
  await expect(writeWhole(path, "x")).rejects.toThrow(/cannot write .*taken.*untouched/s);
  await expect(writeWhole(join(folder, "no", "where"), "x")).rejects.toThrow(OnebitError);
  expect(await readdir(folder, { recursive: true })).toEqual(["taken", "taken/inside"]);
});

it("names the remedy", () => {
  const error = (code: string) => explain(Object.assign(new Error("low level"), { code }), "/x/y");
  expect(error("ENOSPC").message).toMatch(/cannot write \/x\/y: the disk is full: free some space/);
  expect(error("EROFS").message).toMatch(/another folder.*saved in \/x before is untouched/);
  expect(error("EIO").message).toMatch(/low level/);
  const bug = new TypeError("not a file error");
  expect(explain(bug, "/x")).toBe(bug);
});

it("removes only what a killed write left behind", async () => {
  const left = ["state.safetensors.0123456789ab.tmp", "notes.tmp", "state.safetensors"];
  for (const name of left) await writeFile(join(folder, name), "");
  await removeTemporaries(folder);
  expect((await readdir(folder)).sort()).toEqual(["notes.tmp", "state.safetensors"]);
  await removeTemporaries(join(folder, "absent"));
});
