import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConformanceReport } from "../../packages/core/src/conformance/index.js";
import { findChromium, launch } from "./chromium.js";
import { type StaticServer, serve } from "./server.js";

/** What page.js offers. */
interface PageApi {
  conformance(options: object): Promise<ConformanceReport & { passedOver: object }>;
  backends(url: string, options: object): Promise<{ [backend: string]: string } | string>;
}

declare const onebit: PageApi;

const executable = findChromium();
const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SOFTWARE = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

describe.skipIf(!executable).each([
  { name: "on a software adapter", flags: SOFTWARE },
  { name: "without an adapter", flags: ["--disable-gpu"] },
])("WebGPU in Chromium, $name", ({ flags }) => {
  const software = flags === SOFTWARE;
  let browser: Browser;
  let server: StaticServer;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launch(executable!, flags);
    const folders = { onebit: folder("../../packages/core"), page: folder(".") };
    server = await serve({ ...folders, models: folder("../../models") }, { isolated: false });
    page = await browser.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${server.origin}/page/page.html`);
    await page.waitForFunction(() => "onebit" in globalThis);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const tried = (options: object) =>
    page.evaluate((given) => onebit.backends("/models/fashion-mnist.onebit", given), options);

  it("is not what auto takes for small networks, which does not even load it", async () => {
    const { wasm, webgpu } = (await tried({})) as { [backend: string]: string };
    expect(wasm).toBe("taken");
    expect(webgpu).toBe("not tried: a small network");
    // How far off it may be is the conformance suite's to know, which the page loads too.
    const bounds = "/onebit/dist/runtime/backends/webgpu/micro-ops.js";
    const loaded = [...server.requested].filter((path) => path.includes("webgpu"));
    expect(loaded.filter((path) => path !== bounds)).toEqual([]);
  });

  it.each([
    ["in the page", { library: "/onebit/dist/index.js" }],
    ["in the page, by the standalone file", { library: "/onebit/dist/onebit.standalone.js" }],
    ["in a worker", { library: "/onebit/dist/index.js", worker: true }],
    [
      "in a worker that lies elsewhere",
      { library: "/onebit/dist/index.js", worker: true, assets: "/onebit/wasm/" },
    ],
  ])("runs %s where it is asked for, or says why not", async (_, { library, ...options }) => {
    const answer = await tried({ ...options, library, backend: "webgpu" });
    if (software) expect(answer).toEqual({ webgpu: "taken" });
    else expect(answer).toMatch(/^OnebitError: .*: backend webgpu: this browser has .*no adapter/);
  });

  it.runIf(software)(
    "passes the conformance suite",
    async () => {
      const counts = { seed: 5, convolutions: 2048, networks: 52, faults: 1 };
      const report = await page.evaluate((options) => onebit.conformance(options), {
        ...counts,
        backends: ["webgpu"],
        threads: [1],
      });
      expect(report.failures).toEqual([]);
      expect(report.passedOver).toEqual({});
      expect(report.subjects).toMatchObject([{ backend: "webgpu", networks: 52 }]);
    },
    300_000,
  );

  it("complains about nothing", () => {
    expect(complaints.filter((line) => !/No available adapters/.test(line))).toEqual([]);
  });
});
