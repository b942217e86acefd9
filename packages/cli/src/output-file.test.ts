import { execFileSync, spawn } from "node:child_process";
import { lstat, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { readOnebit } from "onebit/file";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { FAILED, refusalsIn, WRONG_USAGE } from "./test-support/refusals.js";
import { onebit, spawnOnebit } from "./test-support/run-cli.js";

const path = temporaryFolder();
const { refuses } = refusalsIn(path);
let packed: Buffer;

beforeAll(async () => {
  await writeFloatModel(path("net.safetensors"), tinyBnext());
  expect((await onebit("pack", path("net.safetensors"), "-o", path("net.onebit"))).status).toBe(0);
  packed = await readFile(path("net.onebit"));
  await mkdir(path("sub"));
  await symlink(path("nowhere", "x"), path("lost.onebit"));
});

describe("-o", () => {
  it("keeps the mode of a file and the link to it", async () => {
    await writeFile(path("sub", "target.onebit"), "old", { mode: 0o640 });
    await symlink("sub/target.onebit", path("link.onebit"));
    await onebit("pack", path("net.safetensors"), "-o", path("link.onebit"));
    expect((await lstat(path("link.onebit"))).isSymbolicLink()).toBe(true);
    expect(await readFile(path("sub", "target.onebit"))).toEqual(packed);
    expect((await stat(path("sub", "target.onebit"))).mode & 0o777).toBe(0o640);
  });

  it("writes into a pipe with any name", async (context) => {
    if (process.platform === "win32") {
      console.log("skipped: Windows has no FIFOs");
      return context.skip();
    }
    execFileSync("mkfifo", [path("pipe")]);
    const reader = spawn("cat", [path("pipe")]);
    const chunks: Buffer[] = [];
    reader.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const closed = new Promise((resolve) => reader.on("close", resolve));
    const { status } = await onebit("pack", path("net.safetensors"), "-o", path("pipe"));
    await closed;
    expect(status).toBe(0);
    expect(Buffer.concat(chunks)).toEqual(packed);
  });

  it.each(["-", "/dev/stdout"])("%s is standard output; people read stderr then", async (name) => {
    const { child, done } = spawnOnebit(["pack", path("net.safetensors"), "-o", name]);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    const { status, stderr } = await done;
    expect(status).toBe(0);
    expect(stderr).toMatch(new RegExp(`^${name}\\nfile +[\\d,]+ bytes`));
    await readOnebit(Buffer.concat(chunks));
    expect(Buffer.concat(chunks)).toEqual(packed);
  });

  it("takes names as long as the system does", async () => {
    const name = `${"n".repeat(248)}.onebit`;
    expect((await onebit("pack", path("net.safetensors"), "-o", path(name))).status).toBe(0);
    expect(await readFile(path(name))).toEqual(packed);
  });

  refuses(WRONG_USAGE, [
    [
      "stdout for file and --json",
      "pack {net.safetensors} -o - --json",
      /- is standard output, and so/,
    ],
    [
      "the input itself",
      "export {net.safetensors} --to safetensors -o {net.safetensors}",
      /is the input, which would be lost/,
    ],
    [
      "its input by another name",
      "export {net.onebit} --to onnx -o {sub/../net.onebit}",
      /is the input/,
    ],
  ]);

  refuses(FAILED, [
    [
      "a folder that is not there",
      "pack {net.safetensors} -o {no/x.onebit}",
      /no folder .*no: create/,
    ],
    ["a link to one", "pack {net.safetensors} -o {lost.onebit}", /no folder .*nowhere: create it/],
    [
      "a folder",
      "export {net.onebit} --to onnx -o {sub}",
      /sub: it is a folder: name a file in it/,
    ],
    ["a name like a folder's", "export {net.onebit} --to onnx -o {new}/", /it is a folder/],
    [
      "too long a name",
      `pack {net.safetensors} -o {${"n".repeat(260)}.onebit}`,
      /the name is too long: choose a shorter one/,
    ],
  ]);
});

it("the name in a message is cut where nobody could have typed it", async () => {
  const { stderr } = await onebit("summary", `${"n".repeat(3000)}.onebit`);
  expect(stderr.length).toBeLessThan(600);
});
