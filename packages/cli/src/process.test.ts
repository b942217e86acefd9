import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readEpochs, readRun } from "@onebit/train";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { onebit, spawnOnebit } from "./test-support/run-cli.js";

const path = temporaryFolder();

describe("the process", () => {
  it("ends with the command's status, and colours only what it is told to", async () => {
    const models = spawnOnebit(["models"], { FORCE_COLOR: "1" });
    expect(await models.done).toMatchObject({ status: 0, stderr: "" });
    expect((await models.done).stdout).toContain("\u001b[1mname");
    const wrong = spawnOnebit(["summary", "nothing"], { FORCE_COLOR: "1", NO_COLOR: "1" });
    expect(await wrong.done).toMatchObject({ status: 2, stdout: "" });
    expect((await wrong.done).stderr).toMatch(/^error: unknown model "nothing"/);
  });

  it("takes a reader that has seen enough for no failure", async () => {
    const { child, done } = spawnOnebit(["summary", "bnext-nano", "--layers", "--json"]);
    child.stdout?.destroy();
    expect(await done).toMatchObject({ status: 0, stderr: "" });
  });

  it("says that its output cannot be written", async (context) => {
    if (process.platform !== "linux") {
      console.log("skipped: there is no /dev/full on this system");
      return context.skip();
    }
    const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
    const child = spawn("sh", ["-c", `"${process.execPath}" "${main}" models > /dev/full`]);
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    const status = await new Promise((resolve) => child.on("close", resolve));
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: cannot write the output: ENOSPC/),
    ]);
  });
});

describe("Ctrl-C during a training", () => {
  const train = (out: string) => [
    ...["train", "--data", `idx:${path("idx")}`, "--model", "bnext", "--widths", "8,8"],
    ...["--batch", "16", "--epochs", "25", "--threads", "1", "--out", path(out)],
  ];
  beforeAll(async () => {
    await writeIdxFolder(path("idx"));
    await onebit(...train("whole"));
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s stops it after the step; --resume goes on",
    async (signal) => {
      const out = `stopped by ${signal}`;
      const { child, done } = spawnOnebit(train(out));
      let seen = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        seen += chunk;
        if (/^epoch +2\//m.test(seen) && !child.killed) child.kill(signal);
      });
      const { status, stderr } = await done;
      expect(status).toBe(1);
      expect(stderr).toMatch(/stopping after this step; press Ctrl-C again to stop at once/);
      const end =
        /error: stopped\. .*state\.safetensors holds the state after epoch (\d+): go on from there with --resume/.exec(
          stderr,
        );
      const epochs = Number(end?.[1]);
      expect(epochs).toBeGreaterThanOrEqual(1);
      expect(epochs).toBeLessThan(25);
      expect((await readEpochs(path(out))).length).toBeGreaterThanOrEqual(epochs);
      expect((await readdir(path(out), { recursive: true })).join()).not.toContain(".tmp");

      const resumed = await onebit(...train(out), "--resume");
      expect(resumed.status).toBe(0);
      expect(resumed.stderr).toContain(`${epochs} epochs done before`);
      const [a, b] = await Promise.all([readRun(path(out)), readRun(path("whole"))]);
      expect(a.result?.best).toEqual(b.result?.best);
    },
  );
});
