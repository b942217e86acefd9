import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { meanModel } from "../../packages/core/src/test-support/mean-model.js";
import { findChromium, launch } from "./chromium.js";

const executable = findChromium();
const core = fileURLToPath(new URL("../../packages/core", import.meta.url));
const TYPES: { readonly [extension: string]: string } = {
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** What the page found: the mean of a picture, as the network that it got computes it, or what went wrong. */
interface Loaded {
  readonly size: string;
  readonly progress: readonly (readonly (number | null)[])[];
}

/** Loads net.onebit; what it computes on tells which of two files it was. */
const load = (options = "{}") => `(async () => {
  const { load } = await import("/core/dist/index.js");
  const progress = [];
  const model = await load("/net.onebit", {
    cache: true,
    progress: (loaded, total) => progress.push([loaded, total ?? null]),
    ...${options},
  });
  const { height, width } = model.info.input;
  await model.run({ shape: [1, 3, height, width], data: new Float32Array(3 * height * width) });
  model.dispose();
  return { size: height + "x" + width, progress };
})()`;

describe.skipIf(!executable)("the cache of a browser", () => {
  let browser: Browser;
  let context: BrowserContext;
  let tab: Page;
  let server: Server;
  let origin: string;
  let small: Uint8Array;
  let large: Uint8Array;
  /** What is asked for of the network, and how it is answered. */
  let asked: string[];
  let answer: (response: ServerResponse, method: string, range?: string) => void;
  let warnings: string[];

  const whole = (bytes: Uint8Array, etag: string) => (response: ServerResponse, method: string) => {
    response.writeHead(200, { etag, "content-length": bytes.length });
    response.end(method === "HEAD" ? undefined : bytes);
  };

  beforeAll(async () => {
    small = await meanModel(2, 3);
    large = await meanModel(4, 5);
    server = createServer(async ({ url, method = "GET", headers }, response) => {
      if (url === "/net.onebit") {
        asked.push(method);
        return answer(response, method, headers.range);
      }
      const [, mount, ...path] = url!.split("/");
      if (mount !== "core")
        return response.writeHead(200, { "content-type": "text/html" }).end("<p>");
      const type = TYPES[extname(url!)] ?? "application/octet-stream";
      const body = await readFile(join(core, ...path)).catch(() => undefined);
      return response.writeHead(body ? 200 : 404, { "content-type": type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launch(executable!);
  });

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  const open = async () => {
    const page = await context.newPage();
    page.on("pageerror", ({ message }) => warnings.push(`unhandled: ${message}`));
    page.on("console", (message) => {
      if (message.type() === "warning") warnings.push(message.text());
    });
    await page.goto(`${origin}/`);
    return page;
  };

  beforeEach(async () => {
    asked = [];
    warnings = [];
    answer = whole(small, '"1"');
    // As private as a window can be: it starts with nothing, and leaves nothing.
    context = await browser.newContext();
    tab = await open();
  });

  afterEach(async () => {
    await context.close();
    expect(warnings.filter((text) => text.startsWith("unhandled"))).toEqual([]);
  });

  const loaded = (page = tab, options?: string) => page.evaluate(load(options)) as Promise<Loaded>;

  it("is asked first, and the server only whether that is current", async () => {
    expect((await loaded()).size).toBe("2x3");
    const again = await loaded();
    expect(again.progress).toEqual([[small.length, small.length]]);
    expect(asked).toEqual(["GET", "HEAD"]);
    expect(await loaded(tab, "{ worker: true }")).toEqual(again);
  });

  it("serves without a network, and with a server in trouble", async () => {
    await loaded();
    await tab.evaluate(`import("/core/dist/runtime/on-request.js")`);
    await context.setOffline(true);
    expect((await loaded()).size).toBe("2x3");
    await context.setOffline(false);
    answer = (response) => response.writeHead(503).end();
    expect((await loaded()).size).toBe("2x3");
  });

  it("gives way to what has replaced it under the same name", async () => {
    await loaded();
    answer = whole(large, '"2"');
    expect((await loaded()).size).toBe("4x5");
    expect((await loaded()).size).toBe("4x5");
    expect(asked).toEqual(["GET", "HEAD", "GET", "HEAD"]);
  });

  it("is one for two tabs", async () => {
    const other = await open();
    const both = await Promise.all([loaded(), loaded(other)]);
    expect(both.map(({ size }) => size)).toEqual(["2x3", "2x3"]);
    await loaded(other);
    expect(asked.at(-1)).toBe("HEAD");
  });

  it("keeps nothing that is cut short or changed, and goes on where a transfer broke off", async () => {
    const half = Math.floor(small.length / 2);
    answer = (response) => {
      response.writeHead(200, { "content-length": small.length, etag: '"1"' });
      response.write(small.subarray(0, half));
      setTimeout(() => response.destroy(), 50);
    };
    await expect(loaded()).rejects.toThrow(/net\.onebit: broke off after \d+ of \d+ bytes/);
    const damaged = small.slice();
    damaged[damaged.length - 3] ^= 1;
    answer = whole(damaged, '"1"');
    await expect(loaded()).rejects.toThrow(/net\.onebit: .*: fetch or copy it again/);
    asked = [];
    answer = (response, _, range) => {
      const from = Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
      const rest = { "content-length": small.length - from, etag: '"1"' };
      if (from > 0) {
        const span = `bytes ${from}-${small.length - 1}/${small.length}`;
        response.writeHead(206, { ...rest, "content-range": span }).end(small.subarray(from));
        return;
      }
      response.writeHead(200, rest);
      response.write(small.subarray(0, half));
      setTimeout(() => response.destroy(), 50);
    };
    expect((await loaded()).size).toBe("2x3");
    expect(asked.length).toBeGreaterThan(1);
  });

  it.each([
    ["without room", "QuotaExceededError", /the cache cannot be used: there is no room left/],
    ["that the browser does not give", "SecurityError", /the cache cannot be used: /],
  ])("%s is done without, in words", async (_, name, words) => {
    await tab.evaluate((name) => {
      const fail = () => Promise.reject(new DOMException("not here", name));
      const broken = { put: fail, match: () => Promise.resolve(undefined) };
      Object.defineProperty(globalThis, "caches", {
        value: { open: name === "SecurityError" ? fail : () => Promise.resolve(broken) },
      });
    }, name);
    expect((await loaded()).size).toBe("2x3");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(words);
  });

  it("can be looked into and emptied", async () => {
    await loaded();
    const ask = `(async () => {
      const { clearCache, isCached } = await import("/core/dist/cache/index.js");
      const before = await isCached("/net.onebit");
      return [before, await clearCache(), await isCached("/net.onebit")];
    })()`;
    expect(await tab.evaluate(ask)).toEqual([true, 1, false]);
    await loaded();
    expect(asked).toEqual(["GET", "GET"]);
  });
});
