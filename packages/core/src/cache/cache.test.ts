import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { folderStore } from "../platform/node-store.js";
import { load } from "../runtime/load.js";
import { meanModel } from "../test-support/mean-model.js";
import { type CachedFile, type CacheStore, clearCache, isCached } from "./index.js";

let bytes: Uint8Array;
let folder: string;
let server: Server;
let url: string;
let asked: string[] = [];
let headers: { [name: string]: string };
let status: number;
const before = process.env.ONEBIT_CACHE;

beforeAll(async () => {
  bytes = await meanModel();
  folder = await mkdtemp(join(tmpdir(), "onebit-cache-"));
});
beforeEach(async () => {
  process.env.ONEBIT_CACHE = await mkdtemp(join(folder, "own-"));
  asked = [];
  headers = { etag: '"1"' };
  status = 200;
  server = createServer(({ method }, response) => {
    asked.push(method!);
    response.writeHead(status, headers);
    response.end(method === "HEAD" || status !== 200 ? undefined : bytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/net.onebit`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  vi.restoreAllMocks();
});
afterAll(async () => {
  if (before === undefined) delete process.env.ONEBIT_CACHE;
  else process.env.ONEBIT_CACHE = before;
  await rm(folder, { recursive: true });
});

const loaded = async (cache: boolean | CacheStore = true) => {
  const told: number[] = [];
  const progress = (length: number) => told.push(length);
  const model = await load(url, { cache, progress, backend: "reference" });
  model.dispose();
  return told;
};

describe("load with a cache", () => {
  it("leaves what the cache has to the worker to read, where there is one", async () => {
    let kept: CachedFile | undefined;
    const calls: string[] = [];
    const store: CacheStore = {
      get: async () => {
        calls.push("get");
        return kept;
      },
      unread: async () => {
        calls.push("unread");
        if (!kept) return undefined;
        const { bytes, version } = kept;
        return { blob: new Blob([bytes as Uint8Array<ArrayBuffer>]), version };
      },
      put: async (_, file) => {
        kept = file;
      },
      delete: async () => true,
      urls: async () => [],
    };
    await loaded(store);
    expect(await loaded(store)).toEqual([bytes.length]);
    const told: number[] = [];
    const options = { cache: store, worker: true, backend: "reference" } as const;
    const model = await load(url, { ...options, progress: (length) => told.push(length) });
    expect([model.workerReason, told]).toEqual([undefined, [bytes.length]]);
    model.dispose();
    expect(calls).toEqual(["get", "get", "unread"]);
    expect(asked).toEqual(["GET", "HEAD", "HEAD"]);
  });

  it("fetches once; then the server only says that nothing has changed", async () => {
    await loaded();
    expect(await loaded()).toEqual([bytes.length]);
    expect(asked).toEqual(["GET", "HEAD"]);
    expect(await isCached(url)).toBe(true);
    await loaded(false);
    expect(asked).toEqual(["GET", "HEAD", "GET"]);
  });

  it.each<[string, () => void, string[]]>([
    ["the server has another version", () => (headers = { etag: '"2"' }), ["GET", "HEAD", "GET"]],
    ["nothing tells versions apart", () => (headers = {}), ["GET", "HEAD", "GET"]],
    [
      "it was changed at another time",
      () => (headers = { "last-modified": "Mon" }),
      ["GET", "HEAD", "GET"],
    ],
    ["the server is in trouble", () => (status = 503), ["GET", "HEAD"]],
  ])("where %s", async (_, change, wanted) => {
    await loaded();
    change();
    await loaded();
    expect(asked).toEqual(wanted);
  });

  it("works without a network", async () => {
    await loaded();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    expect(await loaded()).toEqual([bytes.length]);
    await expect(loaded(false)).rejects.toThrow(/cannot be fetched/);
  });

  it("says that the server has the file no more", async () => {
    await loaded();
    status = 404;
    await expect(loaded()).rejects.toThrow(/404 Not Found: is the model there/);
  });

  it("replaces what was damaged, and keeps nothing that is", async () => {
    await loaded();
    const [name] = (await readdir(process.env.ONEBIT_CACHE!)).filter((one) =>
      one.endsWith(".onebit"),
    );
    const path = join(process.env.ONEBIT_CACHE!, name);
    const damaged = (await readFile(path)).map((byte, i) =>
      i === bytes.length - 1 ? byte ^ 1 : byte,
    );
    await writeFile(path, damaged);
    await loaded();
    expect(asked).toEqual(["GET", "HEAD", "GET"]);
    expect(Buffer.from(await readFile(path)).equals(bytes)).toBe(true);

    await clearCache();
    const whole = bytes;
    bytes = whole.map((byte, i) => (i === whole.length - 1 ? byte ^ 1 : byte));
    await expect(loaded().finally(() => (bytes = whole))).rejects.toThrow(OnebitError);
    expect(await isCached(url)).toBe(false);
  });

  it("takes a store of one's own, and does without one that fails", async () => {
    const files = new Map<string, Uint8Array>();
    const own: CacheStore = {
      get: async (key) => (files.has(key) ? { bytes: files.get(key)!, version: '"1"' } : undefined),
      put: async (key, file) => void files.set(key, file.bytes),
      delete: async (key) => files.delete(key),
      urls: async () => [...files.keys()],
    };
    await loaded(own);
    await loaded(own);
    expect(asked).toEqual(["GET", "HEAD"]);
    expect([await isCached(url, own), await isCached(url)]).toEqual([true, false]);
    expect([await clearCache(url, own), files.size]).toEqual([1, 0]);

    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const full = () => Promise.reject(new DOMException("", "QuotaExceededError"));
    await loaded({ ...own, put: full });
    expect(warn).toHaveBeenCalledWith(
      `onebit: ${url}: the cache cannot be used: there is no room left (QuotaExceededError)`,
    );
    await loaded({ ...own, get: () => Promise.reject(new Error("no access")) });
    expect(warn).toHaveBeenLastCalledWith(expect.stringContaining("cannot be used: no access"));
  });

  it("has nothing to do for bytes and paths; other values are refused", async () => {
    const path = join(folder, "local.onebit");
    await writeFile(path, bytes);
    for (const source of [bytes, path]) (await load(source, { cache: true })).dispose();
    expect(await clearCache()).toBe(0);
    await expect(load(url, { cache: "yes" as never })).rejects.toThrow(
      new UsageError('cache "yes": must be true, false or a store'),
    );
  });
});

describe("a folder", () => {
  it("keeps files whole, by URL, and knows what it has", async () => {
    const store = folderStore(join(folder, "store"));
    expect([await store.urls(), await store.get("a:b"), await store.delete("a:b")]).toEqual([
      [],
      undefined,
      false,
    ]);
    await store.put("a:b", { bytes: Uint8Array.of(1, 2), version: "v" });
    await store.put("a:c", { bytes: Uint8Array.of(3) });
    await store.put("a:b", { bytes: Uint8Array.of(4), version: "w" });
    const { bytes: read, version } = (await store.get("a:b"))!;
    expect([[...read], version]).toEqual([[4], "w"]);
    expect((await store.urls()).toSorted()).toEqual(["a:b", "a:c"]);
    const names = await readdir(join(folder, "store"));
    for (const name of names.filter((one) => one.endsWith(".json"))) {
      await writeFile(join(folder, "store", name), "{");
    }
    expect([await store.urls(), await store.get("a:b")]).toEqual([[], undefined]);
  });
});
