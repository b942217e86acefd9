import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launch } from "./chromium.js";
import { listings } from "./markdown.js";
import { serve } from "./server.js";
import { answer, makeSite, type Site } from "./site.js";

const executable = findChromium();
const [page, main] = ["html", "js"].map(
  (kind) => listings("browser.md", "").find(({ language }) => language === kind)!.code,
);
const [copy, standalone] = listings("browser.md", "Without a bundler").map(({ code }) => code);
const [webpack, vite] = listings("browser.md", "webpack, Vite").map(({ code }) => code);
const [given, esbuild, rollup] = listings("browser.md", "esbuild, Rollup").map(({ code }) => code);

const replaced = (line: RegExp, by: string) => main.replace(line, () => by.trimEnd());
const withAssets = replaced(/^const model.*$/m, given);
const assets = "dist/onebit/";
const built = page.replace(/<script.*/, '<script type="module" src="dist/main.js"></script>');

/** What the page tells of its model, and, when it is asked, of one in a worker. */
const telling = (assets?: string) => `
await model.ready();
globalThis.told = [model.backend, model.threads];
globalThis.inWorker = async () => {
  const options = ${JSON.stringify({ threads: 2, worker: true, assets })};
  const model = await load("fashion-mnist.onebit", options);
  await model.ready();
  const [best] = await model.classify(picture, { top: 1 });
  return [model.workerReason ?? model.threads, best.label];
};
`;

interface Way {
  readonly name: string;
  readonly main: string;
  readonly page: string;
  readonly commands: string;
  readonly assets?: string;
  /** Most files of code that the page may ask for, with two threads. */
  readonly files: number;
  /** What the server shows, where it is not the project's folder. */
  readonly served?: string;
  readonly publicFolder?: string;
}

const WAYS: readonly Way[] = [
  {
    name: "no bundler",
    main: replaced(/^import.*$/m, standalone),
    ...{ page, commands: copy, files: 2 },
  },
  {
    name: "webpack",
    page: page.replace(/<script.*/, '<script defer src="dist/main.js"></script>'),
    ...{ main, commands: webpack, files: 6 },
  },
  {
    name: "Vite",
    ...{ page, main, commands: vite, files: 20, served: "dist", publicFolder: "public" },
  },
  { name: "esbuild", page: built, main: withAssets, assets, commands: esbuild, files: 3 },
  { name: "Rollup", page: built, main: withAssets, assets, commands: rollup, files: 17 },
  {
    name: "esbuild with the standalone file",
    main: main.replace('"onebit"', '"onebit/standalone"'),
    ...{ page: built, commands: esbuild.split("\n")[0], files: 1 },
  },
];

describe.skipIf(!executable)("docs/browser.md in Chromium", () => {
  let browser: Browser;
  let tab: Page;
  let wanted: string;
  let complaints: string[];

  beforeAll(async () => {
    browser = await launch(executable!);
    tab = await browser.newPage();
    tab.on("console", (message) => complaints.push(message.text()));
    tab.on("pageerror", ({ message }) => complaints.push(message));
    wanted = await answer();
  });

  afterAll(() => browser?.close());

  it.each(WAYS)("$name", { timeout: 120_000 }, async (way) => {
    const site = await makeSite(way.publicFolder);
    try {
      await site.write("index.html", way.page);
      await site.write("main.js", `${way.main}${telling(way.assets)}`);
      const printed = await site.run(way.commands.replaceAll("npx ", ""));
      expect(printed).not.toMatch(/warning/i);
      for (const isolated of [true, false]) await classifies(way, site, isolated);
    } finally {
      await site.remove();
    }
  });

  async function classifies(way: Way, site: Site, isolated: boolean) {
    const folder = join(site.folder, way.served ?? ".");
    const server = await serve({ "": folder }, { isolated });
    complaints = [];
    try {
      await tab.goto(`${server.origin}/index.html`);
      await tab.waitForFunction("globalThis.told");
      expect(await tab.textContent("p")).toBe(wanted);
      expect(await tab.evaluate("told")).toEqual(["wasm", isolated ? 2 : 1]);
      expect(complaints).toEqual([]);
      const code = [...server.requested].filter((file) => /\.(js|wasm)$/.test(file));
      expect(code.length).toBeLessThanOrEqual(way.files);
      expect(await tab.evaluate("inWorker()")).toEqual([isolated ? 2 : 1, wanted]);
      expect(complaints).toEqual([]);
    } finally {
      await server.close();
    }
  }
});
