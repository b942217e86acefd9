import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "onebit";
import { decodeImage } from "onebit/images";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launch } from "./chromium.js";
import { listingsIn } from "./markdown.js";
import { type StaticServer, serve } from "./server.js";

const executable = findChromium();
const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** Trousers as Fashion-MNIST has them, and a bag: light on black. */
const DRAWN = {
  trousers: '<path d="M9 2h10l1 24h-4l-2-18-2 18h-4z"/>',
  bag: '<path d="M3 11h22v14h-22z"/><path d="M9 11c0-8 10-8 10 0" fill="none" stroke="#ccc"/>',
};

async function picture(name: keyof typeof DRAWN) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"><rect width="28" height="28"/><g fill="#ccc">${DRAWN[name]}</g></svg>`;
  return {
    name: `${name}.png`,
    mimeType: "image/png",
    buffer: await sharp(Buffer.from(svg)).png().toBuffer(),
  };
}

let browser: Browser;
beforeAll(async () => {
  if (executable) browser = await launch(executable);
});
afterAll(() => browser?.close());

describe.skipIf(!executable)("the page in README.md", () => {
  it("names what a photograph shows", async () => {
    const folder = await mkdtemp(join(tmpdir(), "onebit-readme-"));
    const text = await readFile(path("README.md"), "utf8");
    const [page] = listingsIn(text).filter(({ language }) => language === "html");
    await writeFile(join(folder, "index.html"), page.code);
    await writeFile(join(folder, "favicon.ico"), "");
    const [network, library] = ["cifar10.onebit", "onebit.standalone.js"];
    await copyFile(path(`models/${network}`), join(folder, network));
    await copyFile(path(`packages/core/dist/${library}`), join(folder, library));
    const server = await serve({ "": folder }, { isolated: false });
    const tab = await browser.newPage();
    const complaints: string[] = [];
    tab.on("console", (message) => complaints.push(message.text()));
    tab.on("pageerror", ({ message }) => complaints.push(message));
    using model = await load(path(`models/${network}`), { backend: "reference" });
    try {
      await tab.goto(`${server.origin}/index.html`);
      for (const name of ["trousers", "bag"] as const) {
        const given = await picture(name);
        const [best] = await model.classify(await decodeImage(given.buffer));
        await tab.setInputFiles("input", given);
        await expect.poll(() => tab.textContent("output")).toBe(best.label);
      }
      expect(complaints).toEqual([]);
    } finally {
      await tab.close();
      await server.close();
      await rm(folder, { recursive: true });
    }
  });
});

describe.skipIf(!executable)("the example page", () => {
  let folder: string;
  let server: StaticServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-example-"));
    await build({
      root: path("examples/web"),
      logLevel: "error",
      base: "/page/",
      build: { outDir: folder, emptyOutDir: true },
    });
    server = await serve({ page: folder }, { isolated: true });
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true });
  });

  /** The page, after what `before` did to it. */
  async function opened(before: (page: Page) => Promise<unknown> = async () => {}) {
    const page = await browser.newPage();
    await before(page);
    await page.goto(`${server.origin}/page/index.html`);
    const answer = page.locator("pre");
    const pick = (file: Awaited<ReturnType<typeof picture>>) => page.setInputFiles("input", file);
    const says = (text: RegExp) =>
      expect.poll(() => answer.textContent(), { timeout: 20_000 }).toMatch(text);
    return { page, answer, pick, says };
  }

  it("built by Vite, says what Node says", async () => {
    const complaints: string[] = [];
    const { answer, pick, says } = await opened(async (page) => {
      page.on("pageerror", ({ message }) => complaints.push(message));
    });
    await says(/^ready: wasm$/);
    const pixels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i * 7) % 251);
    const noise = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } });
    const buffer = await noise.png().toBuffer();
    await pick({ name: "x.png", mimeType: "image/png", buffer });
    await says(/%/);
    using model = await load(path("models/fashion-mnist.onebit"), { backend: "reference" });
    const data = new Uint8ClampedArray(await sharp(buffer).ensureAlpha().raw().toBuffer());
    const top = await model.classify({ data, width: 28, height: 28 }, { top: 3 });
    const lines = top.map(
      ({ label, probability }) => `${(100 * probability).toFixed(1)} %  ${label}`,
    );
    expect(await answer.textContent()).toBe(lines.join("\n"));
    expect([...server.requested].filter((file) => file.includes("team-worker"))).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  it("names what it sees, and shows why a later picture failed, not what the last one was", async () => {
    const { page, answer, pick, says } = await opened();
    await says(/^ready: wasm$/);
    await pick(await picture("trousers"));
    await says(/^\d+\.\d % {2}Trouser\n.*\n.*$/);
    await pick({ name: "notes.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
    await says(/^failed: notes\.png is no picture/);
    expect(await answer.textContent()).not.toContain("Trouser");
    await pick(await picture("bag"));
    await says(/^\d+\.\d % {2}Bag/);
    await page.setInputFiles("input", []);
    await says(/^ready: wasm$/);
  });

  it("answers the last of overlapping picks", async () => {
    const slow = async (page: Page) =>
      page.addInitScript(() => {
        const decode = window.createImageBitmap.bind(window) as (
          file: File,
        ) => Promise<ImageBitmap>;
        const wait = new Promise<void>((go) => Object.assign(window, { go }));
        Object.assign(window, {
          createImageBitmap: async (file: File) => {
            if (file.name === "trousers.png") await wait;
            return decode(file);
          },
        });
      });
    const { page, answer, pick, says } = await opened(slow);
    await says(/^ready/);
    await pick(await picture("trousers"));
    await says(/^trousers\.png \.\.\.$/);
    await pick(await picture("bag"));
    await says(/ % {2}Bag/);
    const before = await answer.textContent();
    await page.evaluate("go()");
    await page.waitForTimeout(200);
    expect(await answer.textContent()).toBe(before);
  });

  it("shows why the network could not be loaded, also where a picture is picked", async () => {
    const { pick, says } = await opened((page) =>
      page.route("**/*.onebit", (route) => route.fulfill({ status: 404, body: "gone" })),
    );
    await says(/^failed: .*404/);
    await pick(await picture("bag"));
    await says(/^failed: .*404/);
  });
});
