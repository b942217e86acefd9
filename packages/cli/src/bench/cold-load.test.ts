import { mkdir, readdir } from "node:fs/promises";
import { writeOnebit } from "onebit/file";
import { beforeAll, expect, it, vi } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { bareShape } from "./bare-convolution.js";
import { coldLoad } from "./cold-load.js";
import { kernelProgram } from "./kernels.js";

const path = temporaryFolder();

beforeAll(async () => {
  await mkdir(path("tmp"));
  vi.stubEnv("TMPDIR", path("tmp"));
});

it("loads in processes of their own, and leaves no file", async () => {
  const packed = await writeOnebit(kernelProgram(bareShape));
  expect(await coldLoad(packed, "reference", { threads: 1 })).toBeGreaterThan(0);
  expect(await readdir(path("tmp"))).toEqual([]);
});

it("says why a new process cannot load it, and leaves no file", async () => {
  await expect(coldLoad(new Uint8Array(8), "reference", { threads: 1 })).rejects.toThrow(
    /reference: does not load in a new process: .*model\.onebit/,
  );
  expect(await readdir(path("tmp"))).toEqual([]);
});
