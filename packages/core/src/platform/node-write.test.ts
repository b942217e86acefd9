import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { writeFileAtomic } from "./node-write.js";

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-write-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* inPieces(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

function needs(what: string, here: boolean, context: TestContext): void {
  if (here) return;
  console.log(`skipped: ${what}`);
  context.skip();
}

const unix = process.platform !== "win32";

describe("a file", () => {
  it("is written whole, from text, bytes or pieces, and its bytes are counted", async () => {
    expect(await writeFileAtomic(at("a"), "one €")).toBe(7);
    expect(await writeFileAtomic(at("a"), new Uint8Array([1, 2]))).toBe(2);
    expect([...(await readFile(at("a")))]).toEqual([1, 2]);
    expect(await writeFileAtomic(at("a"), inPieces("x", "", "yz"), { durable: true })).toBe(3);
    expect(await readFile(at("a"), "utf8")).toBe("xyz");
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("keeps its mode", async (context) => {
    needs("Windows has no modes", unix, context);
    await writeFile(at("a"), "old");
    for (const mode of [0o640, 0o600, 0o755]) {
      await chmod(at("a"), mode);
      await writeFileAtomic(at("a"), "new");
      expect((await stat(at("a"))).mode & 0o777).toBe(mode);
    }
  });

  it("keeps its owner where root writes", async (context) => {
    needs("only root may give files away", process.getuid?.() === 0, context);
    await writeFile(at("a"), "old");
    execFileSync("chown", ["1234:2345", at("a")]);
    await writeFileAtomic(at("a"), "new");
    expect(await stat(at("a"))).toMatchObject({ uid: 1234, gid: 2345 });
  });

  it.each([
    ["239 bytes", "n".repeat(239)],
    ["255 bytes", `${"n".repeat(248)}.onebit`],
    ["255 bytes of three-byte characters", "€".repeat(85)],
    ["1 byte", "n"],
  ])("has a name of %s", async (_, name) => {
    await writeFileAtomic(at(name), inPieces("first"));
    await writeFileAtomic(at(name), "second");
    expect(await readFile(at(name), "utf8")).toBe("second");
    expect(await readdir(folder)).toEqual([name]);
  });

  it("stays as it was, alone, where the data end in an error", async () => {
    await writeFile(at("a"), "old");
    async function* broken(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(1000);
      throw new Error("no more");
    }
    await expect(writeFileAtomic(at("a"), broken())).rejects.toThrow("no more");
    await expect(writeFileAtomic(at("b"), broken())).rejects.toThrow("no more");
    expect(await readFile(at("a"), "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it.each([
    ["in a folder that is not there", () => at("no", "a"), "ENOENT"],
    ["below a file", () => at("file", "a"), "ENOTDIR"],
    ["that is a folder", () => at("sub"), "EISDIR"],
    ["named like a folder", () => `${at("new")}/`, "EISDIR"],
    ["with too long a name", () => at("n".repeat(256)), "ENAMETOOLONG"],
    ["behind links in a circle", () => at("round"), "ELOOP"],
  ])("%s is refused, and nothing appears", async (_, path, code) => {
    await writeFile(at("file"), "kept");
    await mkdir(at("sub"));
    await symlink("round", at("round"));
    await expect(writeFileAtomic(path(), "x")).rejects.toMatchObject({ code });
    expect((await readdir(folder)).sort()).toEqual(["file", "round", "sub"]);
  });
});

describe("a link", () => {
  it("stays, and what it leads to is replaced", async () => {
    await mkdir(at("sub"));
    await writeFile(at("sub", "target"), "old");
    await symlink("sub/target", at("one"));
    await symlink(at("one"), at("two"));
    await writeFileAtomic(at("two"), "new");
    expect(await readlink(at("two"))).toBe(at("one"));
    expect(await readlink(at("one"))).toBe("sub/target");
    expect((await lstat(at("sub", "target"))).isFile()).toBe(true);
    expect(await readFile(at("sub", "target"), "utf8")).toBe("new");
    expect(await readdir(at("sub"))).toEqual(["target"]);
  });

  it("that leads to nothing makes what it leads to", async () => {
    await mkdir(at("sub"));
    await symlink("sub/new", at("dangling"));
    await writeFileAtomic(at("dangling"), "here");
    expect(await readFile(at("sub", "new"), "utf8")).toBe("here");
    expect(await readlink(at("dangling"))).toBe("sub/new");
    await symlink("nowhere/new", at("lost"));
    await expect(writeFileAtomic(at("lost"), "x")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("of the hard kind: the other name keeps what it had", async () => {
    await writeFile(at("a"), "old");
    await link(at("a"), at("b"));
    await writeFileAtomic(at("a"), "new");
    expect(await readFile(at("b"), "utf8")).toBe("old");
  });
});

describe("what is no file", () => {
  it("is written into: a device", async (context) => {
    needs("there is no /dev/full here", process.platform === "linux", context);
    const before = await lstat("/dev/null");
    await symlink("/dev/null", at("null.npy"));
    await symlink("/dev/full", at("full.npy"));
    expect(await writeFileAtomic(at("null.npy"), "gone")).toBe(4);
    expect((await lstat(at("null.npy"))).isSymbolicLink()).toBe(true);
    await expect(writeFileAtomic(at("full.npy"), "x")).rejects.toMatchObject({ code: "ENOSPC" });
    expect((await lstat("/dev/null")).ino).toBe(before.ino);
    expect((await readdir(folder)).sort()).toEqual(["full.npy", "null.npy"]);
  });

  it("is written into: a device of one's own, which only root can make", async (context) => {
    const mknod = () => {
      try {
        execFileSync("mknod", [at("null.npy"), "c", "1", "3"], { stdio: "ignore" });
        return true;
      } catch {
        return false;
      }
    };
    needs("no right to make devices here", process.getuid?.() === 0 && mknod(), context);
    await writeFileAtomic(at("null.npy"), inPieces("into", "nothing"));
    expect((await lstat(at("null.npy"))).isCharacterDevice()).toBe(true);
    expect(await readdir(folder)).toEqual(["null.npy"]);
  });

  it("is written into: a pipe with a name", async (context) => {
    needs("Windows has no FIFOs", unix, context);
    execFileSync("mkfifo", [at("pipe")]);
    const reader = spawn("cat", [at("pipe")]);
    let read = "";
    reader.stdout.on("data", (chunk: Buffer) => {
      read += chunk;
    });
    const closed = new Promise((resolve) => reader.on("close", resolve));
    expect(await writeFileAtomic(at("pipe"), inPieces("through ", "it"))).toBe(10);
    await closed;
    expect(read).toBe("through it");
    expect((await lstat(at("pipe"))).isFIFO()).toBe(true);
  });
});

describe("a process that ends while it writes", () => {
  const built = fileURLToPath(new URL("../../dist/platform/node.js", import.meta.url));

  /** Writes without end; `more` runs before. */
  function writer(more = ""): ReturnType<typeof spawn> {
    expect(existsSync(built), "npm run build first").toBe(true);
    const script = `
      import { removeUnfinished, writeFileAtomic } from ${JSON.stringify(built)};
      async function* endless() {
        for (let i = 0; ; i++) {
          yield new Uint8Array(100_000);
          if (i === 3) process.stdout.write("writing");
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      ${more}
      await writeFileAtomic(${JSON.stringify(at("out"))}, endless());
    `;
    return spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
  }

  const ended = (child: ReturnType<typeof spawn>) =>
    new Promise((resolve) => child.on("exit", (status, signal) => resolve(signal ?? status)));
  const writing = (child: ReturnType<typeof spawn>) =>
    new Promise((resolve) => child.stdout!.once("data", resolve));

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "by %s leaves nothing, and dies of it",
    async (signal) => {
      await writeFile(at("out"), "old");
      const child = writer();
      await writing(child);
      expect((await readdir(folder)).length).toBe(2);
      child.kill(signal);
      expect(await ended(child)).toBe(signal);
      expect(await readdir(folder)).toEqual(["out"]);
      expect(await readFile(at("out"), "utf8")).toBe("old");
    },
  );

  it("by SIGTERM leaves no temporary folder", async () => {
    const child = writer(`
      const { withTemporaryFolder } = await import(${JSON.stringify(built)});
      await withTemporaryFolder(async (folder) => {
        process.stdout.write(folder);
        await new Promise((resolve) => setTimeout(resolve, 60000));
      });
    `);
    const made = String(await writing(child));
    expect(existsSync(made)).toBe(true);
    child.kill("SIGTERM");
    expect(await ended(child)).toBe("SIGTERM");
    expect(existsSync(made)).toBe(false);
  });

  it("by process.exit leaves nothing", async () => {
    const child = writer("setTimeout(() => process.exit(7), 300);");
    expect(await ended(child)).toBe(7);
    expect(await readdir(folder)).toEqual([]);
  });

  it("goes on writing where the program answers the signal itself", async () => {
    const child = writer('process.on("SIGINT", () => process.stdout.write("heard"));');
    await writing(child);
    child.kill("SIGINT");
    await writing(child);
    expect((await readdir(folder)).length).toBe(1);
    child.kill("SIGTERM");
    expect(await ended(child)).toBe("SIGTERM");
    expect(await readdir(folder)).toEqual([]);
  });
});
