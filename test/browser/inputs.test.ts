import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { meanModel } from "../../packages/core/src/test-support/mean-model.js";
import { findChromium, launch } from "./chromium.js";
import { type StaticServer, serve } from "./server.js";

declare const inputs: {
  pictures(): Promise<{ [kind: string]: number[] }>;
  refusals(foreign: string): Promise<{ [what: string]: string }>;
  nodeList(): Promise<number>;
};

const executable = findChromium();
const core = fileURLToPath(new URL("../../packages/core", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

describe.skipIf(!executable)("pictures of a page", () => {
  let browser: Browser;
  let folder: string;
  let server: StaticServer;
  let other: StaticServer;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-inputs-"));
    await writeFile(join(folder, "mean.onebit"), await meanModel(20, 40));
    const red = { create: { width: 4, height: 4, channels: 3, background: "red" } } as const;
    await sharp(red).png().toFile(join(folder, "red.png"));
    server = await serve({ onebit: core, page: here, models: folder }, { isolated: false });
    other = await serve({ models: folder }, { isolated: false });
    browser = await launch(executable!);
    page = await browser.newPage();
    await page.goto(`${server.origin}/page/inputs.html`);
    await page.waitForFunction(() => "inputs" in globalThis);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await other?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  it("are read at their own size, whatever the page shows", async () => {
    const seen = await page.evaluate(() => inputs.pictures());
    expect(Object.keys(seen)).toHaveLength(12);
    for (const [kind, means] of Object.entries(seen)) {
      // Half red and half green; half transparent: half red on white. Video is coded with losses.
      const wanted = kind.startsWith("half") ? [1, 0.5, 0.5] : [0.5, 0.5, 0];
      const tolerance = /video/i.test(kind) ? 0.08 : 1e-6;
      means.forEach((mean, i) => {
        expect(Math.abs(mean - wanted[i]), `${kind}: ${means}`).toBeLessThan(tolerance);
      });
    }
  });

  it("that cannot be read are refused in words", async () => {
    const told = await page.evaluate(
      (foreign) => inputs.refusals(foreign),
      `${other.origin}/models/red.png`,
    );
    const expected: { readonly [what: string]: RegExp } = {
      "not loaded": /^OnebitError: image: has not loaded yet: await image.decode\(\) first/,
      "no source": /^OnebitError: image: is broken, or has no size of its own/,
      broken: /^OnebitError: image: is broken, or has no size of its own/,
      "empty canvas": /^OnebitError: image: has no pixels/,
      "closed bitmap": /^OnebitError: image: has been closed/,
      "closed frame": /^OnebitError: image: has been closed/,
      "video without frames": /^OnebitError: image: has no frame yet: .*loadeddata/,
      "video that is not drawn yet": /^OnebitError: image: has no frame yet: .*VideoFrameCallback/,
      Blob: /^UsageError: image: a Blob: decode it first: await createImageBitmap\(it\)/,
      Response: /^UsageError: image: a Response: .*createImageBitmap\(await it\.blob\(\)\)/,
      Promise: /^UsageError: images\[0\]: a Promise: await it first/,
      element: /^UsageError: image: an? HTMLBodyElement: wanted are/,
      URL: /^UsageError: image: "\/picture.png": decode it first: await createImageBitmap/,
      "tainted canvas": /^OnebitError: image: comes from another origin, .*crossorigin/,
      "foreign image": /^OnebitError: image: comes from another origin, .*crossorigin/,
    };
    expect(Object.keys(told).sort()).toEqual(Object.keys(expected).sort());
    for (const [what, message] of Object.entries(told)) {
      expect(message, what).toMatch(expected[what]);
    }
  });

  it("may come as a NodeList", async () => {
    expect(await page.evaluate(() => inputs.nodeList())).toBe(2);
  });
});
