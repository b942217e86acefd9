import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "onebit";
import sharp from "sharp";
import { build } from "vite";
import { expect, it } from "vitest";
import { findChromium, launch } from "./chromium.js";
import { serve } from "./server.js";

const executable = findChromium();
const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

it.skipIf(!executable)("the example page, built by Vite, says what Node says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onebit-vite-"));
  await build({
    root: path("examples/web"),
    logLevel: "error",
    base: "/page/",
    build: { outDir: folder, emptyOutDir: true },
  });
  const server = await serve({ page: folder }, { isolated: true });
  const browser = await launch(executable!);
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", ({ message }) => complaints.push(message));
    await page.goto(`${server.origin}/page/index.html`);
    await page.waitForFunction('document.querySelector("pre").textContent === "ready: wasm"');
    const pixels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i * 7) % 251);
    const picture = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } });
    const buffer = await picture.png().toBuffer();
    await page.setInputFiles("input", { name: "x.png", mimeType: "image/png", buffer });
    await page.waitForFunction('document.querySelector("pre").textContent.includes("%")');
    using model = await load(path("models/fashion-mnist.onebit"), { backend: "reference" });
    const rgba = new Uint8ClampedArray(await sharp(buffer).ensureAlpha().raw().toBuffer());
    const top = await model.classify({ data: rgba, width: 28, height: 28 }, { top: 3 });
    const lines = top.map(({ label, probability }) => {
      return `${(100 * probability).toFixed(1)} %  ${label}`;
    });
    expect(await page.textContent("pre")).toBe(lines.join("\n"));
    expect([...server.requested].filter((file) => file.includes("team-worker"))).toHaveLength(1);
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
});
