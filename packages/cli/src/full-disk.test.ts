import { cp } from "node:fs/promises";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { onebit } from "./test-support/run-cli.js";
import { snapshot } from "./test-support/snapshot.js";

/** A disk on which only so many more files fit; the next one is cut off in the middle. */
const disk = vi.hoisted(() => ({ filesLeft: Number.POSITIVE_INFINITY }));

vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs")>();
  type Done = (error: Error | null, written: number) => void;
  const write = (file: number, bytes: Buffer, at: number, length: number, _: null, done: Done) => {
    if (disk.filesLeft-- > 0) return real.write(file, bytes, at, length, null, done);
    real.writeSync(file, bytes, at, length >> 1);
    const message = "ENOSPC: no space left on device, write";
    done(Object.assign(new Error(message), { code: "ENOSPC", syscall: "write" }), 0);
  };
  return { ...real, default: { ...real, write }, write };
});

const path = temporaryFolder();
const train = (out: string) => [
  ...["train", "--data", `idx:${path("idx")}`, "--model", "bnext", "--widths", "8,8"],
  ...["--batch", "16", "--epochs", "4", "--threads", "1", "--out", path(out)],
];

beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  await writeFloatModel(path("float.safetensors"), tinyBnext());
  await onebit("pack", path("float.safetensors"), "-o", path("packed.onebit"));
});

afterEach(() => {
  disk.filesLeft = Number.POSITIVE_INFINITY;
});

describe("on a full disk", () => {
  it.each([
    [
      "pack over the network of before",
      () => ["pack", path("float.safetensors"), "-o", path("packed.onebit")],
    ],
    ["export", () => ["export", path("packed.onebit"), "--to", "onnx", "-o", path("x.onnx")]],
    ["draw a sheet", () => ["data", `idx:${path("idx")}`, "--preview", path("x.png")]],
    ["begin a training", () => train("never")],
  ])("there is no %s: the message says why, files are as before", async (_, args) => {
    const before = await snapshot(path());
    disk.filesLeft = 0;
    const { status, stdout, stderr } = await onebit(...args());
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: cannot write .*: the disk is full: free some space/);
    expect(await snapshot(path())).toEqual(before);
  });

  it("a training stops with its last checkpoint whole, and ends the same once there is space", async () => {
    expect((await onebit(...train("whole"))).status).toBe(0);
    // run.json, the first state, then state and perhaps best of each epoch.
    disk.filesLeft = 5;
    const { status, stderr } = await onebit(...train("run"));
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot write .*safetensors: the disk is full: free some space/);
    expect(stderr).toMatch(/state\.safetensors holds the state after epoch [123]$/m);
    expect(Object.keys(await snapshot(path("run"))).filter((name) => /tmp$/.test(name))).toEqual(
      [],
    );

    disk.filesLeft = Number.POSITIVE_INFINITY;
    await cp(path("run"), path("copy"), { recursive: true });
    expect((await onebit(...train("run"), "--resume")).status).toBe(0);
    const best = async (run: string) =>
      (await snapshot(path(run, "best")))[path(run, "best", "model.safetensors")];
    expect(await best("run")).toBe(await best("whole"));
  });
});
