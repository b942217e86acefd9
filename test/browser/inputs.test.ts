import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../packages/core/src/images/index.js";
import type { Prediction } from "../../packages/core/src/index.js";
import { load } from "../../packages/core/src/index.js";
import { meanModel } from "../../packages/core/src/test-support/mean-model.js";
import { findChromium, launch } from "./chromium.js";
import { type StaticServer, serve } from "./server.js";

type Where = "page" | "worker";

declare const inputs: {
  handed(): number;
  pictures(where: Where): Promise<{ [kind: string]: number[] }>;
  refusals(where: Where, foreign: string): Promise<{ [what: string]: string }>;
  nodeList(): Promise<number>;
  givenAway(): Promise<{ kept: number[]; given: number[]; twice: number; again: string }>;
  pixels(address: string): Promise<{ [way: string]: number[] }>;
  streams(where: Where, end: string): Promise<Streamed>;
  cameras(): Promise<{ seen: number[]; outcome: string }>;
  wholeVideo(): Promise<{ frames: number; ended: boolean }>;
  streamRefusals(): Promise<{ [what: string]: string }>;
};

interface Streamed {
  readonly frames: number;
  readonly perSecond: number;
  readonly outcome: string;
  readonly last: Prediction[];
}

const executable = findChromium();
const core = fileURLToPath(new URL("../../packages/core", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** 48x32: each channel rises along another direction, and no two corners are alike. */
function gradients(): Sharp {
  const [width, height] = [48, 32];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return [5 * x, 255 - 7 * y, 2 * x + 4 * y][i % 3];
  });
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Files of it, as cameras and programs write them. */
const PHOTOS: { readonly [name: string]: (picture: Sharp) => Sharp } = {
  "plain.png": (picture) => picture.png(),
  "grey.png": (picture) => picture.greyscale().png(),
  "sixteen-bit.png": (picture) => picture.toColourspace("rgb16").png(),
  "lossless.webp": (picture) => picture.webp({ lossless: true }),
  "full.jpg": (picture) => picture.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }),
  "turned.jpg": (picture) =>
    picture.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).withMetadata({ orientation: 6 }),
  "mirrored.jpg": (picture) =>
    picture.jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).withMetadata({ orientation: 5 }),
  "wide-gamut.png": (picture) => picture.withIccProfile("p3").png(),
  "half-transparent.png": (picture) => picture.ensureAlpha(0.5).png(),
};

const GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

describe.skipIf(!executable).each([
  { title: "pictures of a page", backend: "wasm", flags: [] },
  { title: "pictures of a page that a GPU prepares", backend: "webgpu", flags: GPU },
])("$title", ({ backend, flags }) => {
  const own = backend === "wasm";
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
    browser = await launch(executable!, flags);
    page = await browser.newPage();
    await page.goto(`${server.origin}/page/inputs.html?backend=${backend}`);
    await page.waitForFunction(() => "inputs" in globalThis);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await other?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  it.each<Where>(["page", "worker"])("are read at their own size, in a %s", async (where) => {
    const seen = await page.evaluate((where) => inputs.pictures(where), where);
    expect(Object.keys(seen)).toHaveLength(13);
    for (const [kind, means] of Object.entries(seen)) {
      // Half red and half green; half transparent: half red on white. Video is coded with losses.
      const wanted = kind.startsWith("half") ? [1, 0.5, 0.5] : [0.5, 0.5, 0];
      const tolerance = /video/i.test(kind) ? 0.08 : 1e-6;
      means.forEach((mean, i) => {
        expect(Math.abs(mean - wanted[i]), `${kind}: ${means}`).toBeLessThan(tolerance);
      });
    }
    // Canvases and bitmaps; videos where Chromium's software decoders allow it.
    if (!own) expect(await page.evaluate(() => inputs.handed())).toBeGreaterThanOrEqual(3);
  });

  it.each<Where>(["page", "worker"])(
    "that a %s cannot read are refused in words",
    async (where) => {
      const foreign = `${other.origin}/models/red.png`;
      const told = await page.evaluate(
        ([where, foreign]) => inputs.refusals(where as Where, foreign),
        [where, foreign],
      );
      const expected: { readonly [what: string]: RegExp } = {
        "not loaded": /^OnebitError: image: has not loaded yet: await image.decode\(\) first/,
        "no source": /^OnebitError: image: is broken, or has no size of its own/,
        broken: /^OnebitError: image: is broken, or has no size of its own/,
        "empty canvas": /^OnebitError: image: has no pixels/,
        "closed bitmap": /^OnebitError: image: has been closed/,
        "closed frame": /^OnebitError: image: has been closed/,
        "video without frames": /^OnebitError: image: has no frame yet: .*loadeddata/,
        "video that is not drawn yet":
          /^OnebitError: image: has no frame yet: .*VideoFrameCallback/,
        "too wide": /^OnebitError: image: no canvas of 70000x2 here to read it/,
        "empty Blob": /^OnebitError: image: a Blob is no picture that can be decoded here: /,
        Response: /^UsageError: image: a Response: give await it\.blob\(\)/,
        Promise: /^UsageError: images\[0\]: a Promise: await it first/,
        element: /^UsageError: image: an? HTMLBodyElement: wanted are/,
        URL: /^UsageError: image: "\/picture.png": give await \(await fetch\(it\)\)\.blob\(\)/,
        "tainted canvas": /^OnebitError: image: comes from another origin, .*crossorigin/,
        "foreign image": /^OnebitError: image: comes from another origin, .*crossorigin/,
      };
      expect(Object.keys(told).sort()).toEqual(Object.keys(expected).sort());
      for (const [what, message] of Object.entries(told)) {
        expect(message, what).toMatch(expected[what]);
      }
    },
  );

  if (own)
    it("may come as a NodeList", async () => {
      expect(await page.evaluate(() => inputs.nodeList())).toBe(2);
    });

  if (own)
    it("stay with the page, unless they are given away to a worker", async () => {
      const { kept, given, twice, again } = await page.evaluate(() => inputs.givenAway());
      expect(twice).toBe(2);
      expect(again).toMatch(/^OnebitError: cannot go to the worker: .*detached/);
      expect(kept).toEqual([40, 40, 3200]);
      expect(given).toEqual([0, 0, 0]);
    });

  if (own)
    it.each(Object.keys(PHOTOS))("have the pixels that Node reads: %s", async (name) => {
      const file = join(folder, name);
      await PHOTOS[name](gradients()).toFile(file);
      const { width, height, ...rest } = await decodeImage(file);
      await writeFile(`${file}.onebit`, await meanModel(height, width, { pixels: 0 }));
      using model = await load(`${file}.onebit`);
      const { pixels } = await model.features({ width, height, ...rest });
      const ways = await page.evaluate((url) => inputs.pixels(url), `/models/${name}`);
      for (const [way, found] of Object.entries(ways)) {
        const apart = found.map((value, i) => Math.abs(value - pixels.data[i]) * 255);
        const mean = apart.reduce((sum, value) => sum + value, 0) / apart.length;
        expect(found.length, way).toBe(pixels.data.length);
        // Colours of a canvas are rounded with alpha multiplied in.
        expect(mean, way).toBeLessThan(name.startsWith("half") ? 1 : 0.5);
        expect(Math.max(...apart), way).toBeLessThan(name.endsWith("jpg") ? 6 : 2.01);
      }
    });

  it.each<[Where, string, RegExp]>([
    ["page", "break", /^ended$/],
    ["worker", "break", /^ended$/],
    ["worker", "abort", /^Error: that will do$/],
    ["worker", "stop", /^ended$/],
    ["page", "unplug", /^OnebitError: video: its camera has stopped: was it unplugged/],
  ])("of a camera stream into a %s until %s", async (where, end, outcome) => {
    const streamed = await page.evaluate(
      ([where, end]) => inputs.streams(where as Where, end),
      [where, end],
    );
    expect(streamed.outcome).toMatch(outcome);
    expect(streamed.frames).toBe(6);
    expect(streamed.perSecond).toBeLessThan(25);
    expect(streamed.last).toHaveLength(3);
  });

  if (own)
    it("of a camera that comes late and gives way to another stream", async () => {
      const { seen, outcome } = await page.evaluate(() => inputs.cameras());
      expect(seen).toEqual([3, 3]);
      expect(outcome).toMatch(/^OnebitError: video: its camera has stopped: was it unplugged/);
    });

  it("of a video stream until it ends", async () => {
    const { frames, ended } = await page.evaluate(() => inputs.wholeVideo());
    expect(ended).toBe(true);
    expect(frames).toBeGreaterThan(0);
  });

  it("stream out of videos alone", async () => {
    const told = await page.evaluate(() => inputs.streamRefusals());
    expect(told.image).toMatch(/^UsageError: stream: an? HTMLImageElement: a <video> is wanted/);
    expect(told.fps).toMatch(/^UsageError: fps 0: must be frames a second, above 0/);
    expect(told.option).toMatch(/^UsageError: stream: .*rate/);
  });
});
