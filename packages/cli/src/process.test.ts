import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readEpochs, readRun } from "@onebit/train";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { onebit, spawnOnebit } from "./test-support/run-cli.js";

const path = temporaryFolder();

describe("the process", () => {
  it.each(["18.20.8", "20.18.3"])("of Node %s says which it needs", async (version) => {
    const { engines } = JSON.parse(
      await readFile(new URL("../package.json", import.meta.url), "utf8"),
    );
    const change = `Object.defineProperty(process.versions, "node", { value: "${version}" })`;
    const program = fileURLToPath(new URL("../bin/onebit.js", import.meta.url));
    const words = [
      "--import",
      `data:text/javascript,${encodeURIComponent(change)}`,
      program,
      "models",
    ];
    const failed = promisify(execFile)(process.execPath, words);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: `error: onebit needs Node ${engines.node.slice(2)} or newer, this is ${version}: update it (nodejs.org)\n`,
    });
  });

  it("ends with the command's status, and colours only what it is told to", async () => {
    const models = spawnOnebit(["models"], { FORCE_COLOR: "1" });
    expect(await models.done).toMatchObject({ status: 0, stderr: "" });
    expect((await models.done).stdout).toContain("\u001b[1mname");
    const wrong = spawnOnebit(["summary", "nothing"], { FORCE_COLOR: "1", NO_COLOR: "1" });
    expect(await wrong.done).toMatchObject({ status: 2, stdout: "" });
    expect((await wrong.done).stderr).toMatch(/^error: unknown model "nothing"/);
  });

  it("ends without a word, as by SIGPIPE, once its reader has seen enough", async () => {
    const { child, done } = spawnOnebit(["summary", "bnext-nano", "--layers", "--json"]);
    child.stdout?.destroy();
    expect(await done).toMatchObject({ status: READER_GONE, stderr: "" });
  });

  it("lets ONNX Runtime keep no record of its use", async () => {
    await writeFloatModel(path("net.safetensors"), tinyBnext());
    await writeIdxFolder(path("few"));
    const { done } = spawnOnebit(
      ["eval", path("net.safetensors"), "--data", `idx:${path("few")}`],
      { HOME: path("home"), XDG_CACHE_HOME: path("home") },
    );
    expect(await done).toMatchObject({ status: 0 });
    expect(existsSync(path("home"))).toBe(false);
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

const READER_GONE = 141;

const train = (out: string, ...more: string[]) => [
  ...["train", "--data", `idx:${path("idx")}`, "--model", "bnext", "--widths", "8,8"],
  ...["--batch", "16", "--epochs", "25", "--threads", "1", "--out", path(out), ...more],
];

const stopped =
  /error: stopped\. .*state\.safetensors holds the state after epoch (\d+): go on from there with --resume/;

/** Epochs that a stopped training says it has saved; resumed, it must end like the whole one. */
async function expectResumable(out: string, stderr: string): Promise<void> {
  const epochs = Number(stopped.exec(stderr)?.[1]);
  expect(epochs).toBeGreaterThanOrEqual(1);
  expect(epochs).toBeLessThan(25);
  expect((await readEpochs(path(out))).length).toBeGreaterThanOrEqual(epochs);
  const left = (await readdir(path(out), { recursive: true })).join();
  expect(left).not.toMatch(/\.tmp|lock/);
  const resumed = await onebit(...train(out), "--resume");
  expect(resumed.status).toBe(0);
  expect(resumed.stderr).toMatch(new RegExp(`, ${epochs} epochs? done before`));
  const [a, b] = await Promise.all([readRun(path(out)), readRun(path("whole"))]);
  expect(a.result?.best).toEqual(b.result?.best);
}

describe("a training", () => {
  beforeAll(async () => {
    await writeIdxFolder(path("idx"));
    await writeIdxFolder(path("photographs"), { side: 32, train: 1024 });
    await onebit(...train("whole"));
  }, 60_000);

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("stops after the step at %s, with status %i", async (signal, expected) => {
    const out = `stopped by ${signal}`;
    const { child, done } = spawnOnebit(train(out));
    let seen = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      seen += chunk;
      if (/^epoch +2\//m.test(seen) && !child.killed) child.kill(signal);
    });
    const { status, stderr } = await done;
    expect(status).toBe(expected);
    expect(stderr).toContain("\nstopping after this step");
    await expectResumable(out, stderr);
  });

  it("whose reader has seen enough stops after the step, and says so", async () => {
    const { child, done } = spawnOnebit(train("unread", "--jsonl"));
    let seen = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk;
      if (seen.includes('"event":"epoch"')) child.stdout?.destroy();
    });
    const { status, stderr } = await done;
    expect(status).toBe(READER_GONE);
    expect(stderr).toContain("error: nobody reads the output any more: stopping after this step\n");
    await expectResumable("unread", stderr);
  });

  it("keeps others out of its folder", async () => {
    const first = spawnOnebit(train("shared", "--jsonl"));
    await new Promise((resolve) => first.child.stdout?.once("data", resolve));
    for (const more of [[], ["--resume"], ["--overwrite"]]) {
      const { status, stderr } = await onebit(...train("shared", ...more));
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(
          new RegExp(`shared: a training runs in it already \\(process ${first.child.pid} on`),
        ),
      ]);
    }
    first.child.kill("SIGKILL");
    await first.done;
    expect(await readdir(path("shared"))).toContain("lock");
    const short = train("shared", "--overwrite").map((word) => (word === "25" ? "1" : word));
    const { status } = await onebit(...short);
    expect(status).toBe(0);
    expect(await readdir(path("shared"))).not.toContain("lock");
  });

  it.each([
    ["a second Ctrl-C", ["SIGINT", "SIGINT"], "SIGINT"],
    ["SIGTERM", ["SIGTERM"], "SIGTERM"],
  ] as const)(
    "in the middle of a long step is ended by %s within 2 seconds, without an abort",
    async (_, signals, by) => {
      const { child, done } = spawnOnebit([
        ...["train", "--data", `idx:${path("photographs")}`],
        ...["--model", "bnext", "--widths", "64,128,128,128"],
        ...["--batch", "1024", "--set", "microBatch=512", "--threads", "2"],
        ...["--out", path(`long ${by}`), "--jsonl"],
      ]);
      await new Promise<void>((resolve) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          if (chunk.includes('"saved"')) resolve();
        });
      });
      await setTimeout(1000);
      let sent = performance.now();
      for (const signal of signals) {
        sent = performance.now();
        child.kill(signal);
        await setTimeout(200);
      }
      const { status, signal, stderr } = await done;
      expect(performance.now() - sent).toBeLessThan(2000);
      // What shells call 130 and 143.
      expect([status, signal]).toEqual([-1, by]);
      expect(stderr).not.toMatch(/Error::|terminate called|assert|FATAL|core dumped/i);
    },
  );
});
