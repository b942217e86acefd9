import { spawn, spawnSync } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { refuseHeld, takeLock } from "./lock.js";
import { type ProcessIdentity, thisProcess } from "./process-identity.js";

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-lock-"));
  lock = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Leaves a lock of another process, as that would have. */
async function leave(holder: Partial<ProcessIdentity>): Promise<string> {
  const since = "2026-01-02T03:04:05.000Z";
  const text = JSON.stringify({ ...thisProcess(), since, ...holder });
  await writeFile(lock, text);
  return text;
}

const ended = () => spawnSync(process.execPath, ["-e", ""]).pid;

function needsProc(context: TestContext): void {
  if (process.platform === "linux") return;
  console.log("skipped: there is no /proc on this system");
  context.skip();
}

describe("a lock", () => {
  it("is held by one at a time, and leaves nothing behind", async () => {
    const release = await takeLock(lock);
    expect(await readdir(folder)).toEqual(["lock"]);
    await expect(takeLock(lock)).rejects.toThrow(OnebitError);
    await expect(takeLock(lock)).rejects.toThrow(
      new RegExp(`a training runs in it already \\(process ${process.pid} on .* since 20`),
    );
    expect(await readdir(folder)).toEqual(["lock"]);
    await release();
    expect(await readdir(folder)).toEqual([]);
    await (await takeLock(lock))();
    await refuseHeld(lock);
  });

  it("of another process that runs is respected", async () => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    try {
      const started = process.platform === "linux" ? await startOf(child.pid!) : null;
      const text = await leave({ pid: child.pid, started });
      await expect(takeLock(lock)).rejects.toThrow(`process ${child.pid} on`);
      expect(await readFile(lock, "utf8")).toBe(text);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it.each([
    ["that has ended", () => ({ pid: ended() })],
    ["whose number another process has by now", () => ({ started: "12345" })],
    ["from before the machine was started", () => ({ boot: "another" })],
  ])("of a process %s is taken over", async (_, holder) => {
    await leave(holder());
    await refuseHeld(lock);
    const release = await takeLock(lock);
    expect(JSON.parse(await readFile(lock, "utf8"))).toMatchObject(thisProcess());
    await release();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ["machine", { host: "elsewhere", pid: 77 }],
    ["container", { namespace: "pid:[1]", pid: 77 }],
  ])("of another %s is respected, with a word on how to remove it", async (_, holder) => {
    const text = await leave(holder);
    await expect(takeLock(lock)).rejects.toThrow(
      /another machine or container .*process 77 on .* since 2026-01-02.*if it has ended, remove .*lock$/,
    );
    expect(await readFile(lock, "utf8")).toBe(text);
  });

  it("that makes no sense is not touched", async () => {
    await writeFile(lock, "{");
    await expect(takeLock(lock)).rejects.toThrow(/lock: is not a lock .* remove it/);
  });

  it("that was taken over is not released by the process that it was taken from", async () => {
    const release = await takeLock(lock);
    const text = await leave({ host: "elsewhere" });
    await release();
    expect(await readFile(lock, "utf8")).toBe(text);
  });

  it("that is stale is taken over, though who began to remove it has ended too", async (context) => {
    needsProc(context);
    await leave({ started: "12345" });
    await copyFile(lock, `${lock}.stale`);
    const release = await takeLock(lock);
    expect(await readdir(folder)).toEqual(["lock"]);
    await release();
  });

  it("that is stale goes to exactly one of many who want it at once", async (context) => {
    needsProc(context);
    for (let round = 0; round < 20; round++) {
      await leave({ started: "12345" });
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(lock)));
      const taken = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      expect(taken.length).toBe(1);
      await taken[0]();
      expect(await readdir(folder)).toEqual([]);
    }
  });
});

async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
