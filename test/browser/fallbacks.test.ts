import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Route, Page as Tab } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { meanModel } from "../../packages/core/src/test-support/mean-model.js";
import { VERSION } from "../../packages/core/src/version.js";
import { findChromium, launch } from "./chromium.js";
import { type StaticServer, serve } from "./server.js";

const executable = findChromium();
const core = fileURLToPath(new URL("../../packages/core", import.meta.url));

interface Told {
  readonly backend: string;
  readonly threads: number;
  readonly threadsReason?: string;
  readonly means: readonly number[];
  readonly warnings: readonly string[];
}

interface Page {
  /** What it imports. */
  readonly module?: string;
  readonly assets?: string;
}

/** Loads twice with two threads, and runs; as text, so that the page's own import() is meant. */
const script = ({ module = "index.js", assets }: Page) => `(async () => {
  const { load } = await import("/onebit/dist/${module}");
  const options = ${JSON.stringify({ threads: 2, assets })};
  const one = await load(new URL("/models/mean.onebit", location.href), options);
  const model = await load("mean.onebit", options);
  await model.ready();
  const { backend, threads, threadsReason } = model;
  const data = new Float32Array(18).fill(0.25);
  const { logits } = await model.run({ shape: [1, 3, 2, 3], data });
  return { backend, threads, threadsReason, means: [...logits.data] };
})()`;

const STANDALONE = "onebit.standalone.js";

/** The file that the server has, changed. */
const changed = (change: (body: Buffer) => Buffer | string) => async (route: Route) => {
  const response = await route.fetch();
  await route.fulfill({ response, body: change(await response.body()) });
};
const older = changed((body) => body.toString("latin1").replaceAll(VERSION, "0.0.9"));
const asText = async (route: Route) => {
  const response = await route.fetch();
  const headers = { ...response.headers(), "content-type": "text/plain" };
  await route.fulfill({ response, headers });
};
const missing = (route: Route) => route.fulfill({ status: 404, body: "no such file" });
const kernels = async (route: Route) => {
  const url = route.request().url().replace("/models/", "/onebit/wasm/");
  await route.fulfill({ response: await route.fetch({ url }) });
};
const page = (route: Route) =>
  route.fulfill({ status: 200, contentType: "text/html", body: "<!doctype html><p>app</p>" });

describe.skipIf(!executable)("a page that lacks something", () => {
  let browser: Browser;
  let folder: string;
  /** A tab is a process: each is opened once, and goes from page to page. */
  const sites: { readonly server: StaticServer; readonly tab: Tab }[] = [];
  let warnings: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-fallbacks-"));
    await writeFile(join(folder, "mean.onebit"), await meanModel(2, 3));
    await writeFile(join(folder, "empty.html"), "<!doctype html><link rel=icon href='data:,'>");
    browser = await launch(executable!);
    for (const isolated of [false, true]) {
      const server = await serve({ onebit: core, models: folder }, { isolated });
      const tab = await browser.newPage();
      tab.on("console", (message) => {
        if (message.type() === "warning") warnings.push(message.text());
      });
      sites.push({ server, tab });
    }
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    for (const { server } of sites) await server.close();
    if (folder) await rm(folder, { recursive: true });
  });

  async function told({
    isolated,
    policy,
    routes = {},
    ...what
  }: Page & {
    readonly isolated: boolean;
    readonly policy?: string;
    readonly routes?: { readonly [pattern: string]: (route: Route) => Promise<void> };
  }): Promise<Told> {
    const { server, tab } = sites[Number(isolated)];
    await tab.unrouteAll();
    for (const [pattern, answer] of Object.entries(routes)) await tab.route(pattern, answer);
    if (policy) {
      await tab.route("**/empty.html", async (route) => {
        const response = await route.fetch();
        const headers = { ...response.headers(), "content-security-policy": policy };
        await route.fulfill({ response, headers });
      });
    }
    await tab.goto(`${server.origin}/models/empty.html`);
    warnings = [];
    const result = (await tab.evaluate(script(what))) as Omit<Told, "warnings">;
    expect(result.means).toEqual([0.25, 0.25, 0.25]);
    return { ...result, warnings };
  }

  it.each([
    [
      "kernels that are not served",
      { routes: { "**/*.wasm": missing } },
      /the server answers 404; serve a copy of node_modules.onebit.wasm and say where/,
    ],
    ["kernels that are a web page", { routes: { "**/*.wasm": page } }, /another file comes back/],
    [
      "a policy against WebAssembly",
      { policy: "script-src 'self'" },
      /a content security policy needs 'wasm-unsafe-eval' in script-src/,
    ],
    [
      "the standalone file under a policy against WebAssembly",
      { policy: "script-src 'self'", module: STANDALONE },
      /a content security policy needs 'wasm-unsafe-eval' in script-src/,
    ],
    ["a folder that is not there", { assets: "elsewhere" }, /elsewhere\/relaxed.wasm: .* 404/],
    [
      "kernels of another version",
      { assets: "/onebit/wasm", routes: { "**/*.wasm": older } },
      /relaxed\.wasm: not that of onebit \S+: copy it anew/,
    ],
  ])("%s: the console says so once", async (_, lack, reason) => {
    const { backend, warnings } = await told({ isolated: false, ...lack });
    expect(backend).toBe("reference");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^onebit: networks run on the reference backend, which is slow/);
    expect(warnings[0]).toMatch(reason);
    expect(warnings[0]).toMatch(/native: runs in Node only/);
  });

  it("the standalone file alone under a policy against WebAssembly says what the policy lacks, and which file", async () => {
    const lack = { policy: "script-src 'self'", routes: { "**/onebit.rare.js": missing } };
    await expect(told({ isolated: false, module: STANDALONE, ...lack })).rejects.toThrow(
      /no backend can run this model: .*'wasm-unsafe-eval' in script-src.*reference: .*onebit\.rare\.js/,
    );
  });

  it("that is not isolated has one thread, and says why", async () => {
    const { backend, threads, threadsReason, warnings } = await told({ isolated: false });
    expect([backend, threads, warnings]).toEqual(["wasm", 1, []]);
    expect(threadsReason).toMatch(/not cross-origin isolated.*Cross-Origin-Opener-Policy/);
  });

  it.each([
    ["a worker that is not served", { routes: { "**/team-worker.js": missing } }],
    ["a policy against workers", { policy: "worker-src 'none'" }],
    ["the standalone file under a policy", { policy: "worker-src 'self'", module: STANDALONE }],
    [
      "a worker that is not in the folder",
      { assets: "/models/", routes: { "**/models/*.wasm": kernels } },
    ],
  ])("%s leaves the work to one thread", async (_, lack) => {
    const { backend, threads, threadsReason } = await told({ isolated: true, ...lack });
    expect([backend, threads]).toEqual(["wasm", 1]);
    expect(threadsReason).toMatch(
      /^a thread could not start: its script does not load: is (team-worker\.js|onebit\/standalone) served, and allowed by the content security policy \(worker-src/,
    );
  });

  it("a worker of another version leaves the work to one thread", async () => {
    const routes = { "**/wasm/team-worker.js": older };
    const { threads, threadsReason } = await told({
      isolated: true,
      assets: "/onebit/wasm",
      routes,
    });
    expect(threads).toBe(1);
    expect(threadsReason).toMatch(
      /team-worker\.js is that of onebit 0\.0\.9, not .*: copy it anew/,
    );
  });

  it.each([
    [
      "is not there",
      { routes: { "**/mean.onebit": missing } },
      /mean\.onebit: the server answers 404/,
    ],
    ["may not be fetched", { policy: "connect-src 'none'" }, /mean\.onebit: cannot .*connect-src/],
  ])("a model that %s is an error", async (_, lack, message) => {
    await expect(told({ isolated: false, ...lack })).rejects.toThrow(message);
  });

  it.each([
    ["nothing", {}],
    ["nothing, with the files elsewhere", { assets: "../onebit/wasm" }],
    ["everything beside the standalone file", { module: STANDALONE }],
    ["the right type of WebAssembly", { routes: { "**/*.wasm": asText } }],
    ["blob: in its policy", { policy: "worker-src 'self'; script-src 'self' 'wasm-unsafe-eval'" }],
  ])("%s: two threads", async (_, given) => {
    const { backend, threads, threadsReason } = await told({ isolated: true, ...given });
    expect([backend, threads, threadsReason]).toEqual(["wasm", 2, undefined]);
  });
});

it.runIf(executable)(
  "a browser without SIMD says so, and is slow",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "onebit-fallbacks-"));
    const browser = await launch(executable!, ["--js-flags=--no-enable-sse4-1"]);
    const server = await serve({ onebit: core, models: folder }, { isolated: true });
    try {
      await writeFile(join(folder, "mean.onebit"), await meanModel(2, 3));
      await writeFile(join(folder, "empty.html"), "<!doctype html><link rel=icon href='data:,'>");
      const tab = await browser.newPage();
      const said: string[] = [];
      tab.on("console", (message) => said.push(message.text()));
      tab.on("pageerror", (error) => said.push(String(error)));
      await tab.goto(`${server.origin}/models/empty.html`);
      const { backend, means } = (await tab.evaluate(script({}))) as Omit<Told, "warnings">;
      expect([backend, means]).toEqual(["reference", [0.25, 0.25, 0.25]]);
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(
        /the reference backend, which is slow.*WebAssembly here has no SIMD/s,
      );
    } finally {
      await server.close();
      await browser.close();
      await rm(folder, { recursive: true });
    }
  },
  60_000,
);
