import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launch } from "./chromium.js";
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

describe.skipIf(!executable)("the example page", () => {
  let folder: string;
  let server: StaticServer;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-example-"));
    await build({
      root: path("examples/web"),
      logLevel: "error",
      base: "/page/",
      build: { outDir: folder, emptyOutDir: true },
    });
    server = await serve({ page: folder }, { isolated: true });
    browser = await launch(executable!);
  });
  afterAll(async () => {
    await browser?.close();
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
