import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "onebit";
import { writeOnebit } from "onebit/file";
import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import type { Browser, BrowserContext, Page } from "playwright-core";
import sharp from "sharp";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { randomWeights } from "../../packages/core/src/test-support/random-weights.js";
import { findChromium, launch } from "./chromium.js";
import { type StaticServer, serve } from "./server.js";

const executable = findChromium();
const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** Trousers as Fashion-MNIST has them: light on black. */
const TROUSERS = `<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"><rect width="28" height="28"/><path fill="#ccc" d="M9 2h10l1 24h-4l-2-18-2 18h-4z"/></svg>`;

/** A camera of the page's: `scene(kind)` says what stands before it; every frame is a little different. */
function fakeCamera() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
  const context = canvas.getContext("2d")!;
  let kind = "stripes";
  let frame = 0;
  const paint = () => {
    const shift = frame++ % 24;
    const shade = (least: number) => `hsl(${(frame * 37) % 360} 60% ${least + (frame % 10)}%)`;
    context.fillStyle = shade(15);
    context.fillRect(0, 0, 160, 120);
    context.fillStyle = shade(65);
    for (let i = -24; i < 160; i += 24) {
      if (kind === "stripes") context.fillRect(0, i + shift, 160, 12);
      if (kind === "bars") context.fillRect(i + shift, 0, 12, 120);
    }
    context.beginPath();
    context.arc(50 + 2 * shift, 60, 36, 0, 7);
    if (kind === "spot") context.fill();
  };
  setInterval(paint, 30);
  const scene = (next: string) => {
    kind = next;
    paint();
  };
  const cameras: MediaStream[] = [];
  navigator.mediaDevices.getUserMedia = async () => {
    cameras.push(canvas.captureStream(30));
    return cameras.at(-1)!;
  };
  const camerasOn = () => cameras.filter(({ active }) => active).length;
  Object.assign(globalThis, { scene, camerasOn, shot: () => canvas.toDataURL() });
}

declare const scene: (kind: string) => void;
declare const shot: () => string;
declare const camerasOn: () => number;
declare const longest: number;

/** Notes how long the page's thread was ever busy at a stretch. */
function watchLongTasks() {
  Object.assign(globalThis, { longest: 0 });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      Object.assign(globalThis, { longest: Math.max(longest, duration) });
    }
  }).observe({ type: "longtask", buffered: true });
}

describe.skipIf(!executable)("example pages", () => {
  let browser: Browser;
  let folder: string;
  let server: StaticServer;
  let context: BrowserContext;
  let tab: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-pages-"));
    const built = build({
      ...{ root: path("examples"), configFile: path("examples/vite.config.js") },
      ...{ logLevel: "error", base: "/built/", build: { outDir: folder, emptyOutDir: true } },
    });
    await writeFile(join(folder, "favicon.ico"), "");
    await built;
    const picture = sharp(Buffer.from(TROUSERS)).png();
    await picture.toFile(join(folder, "trousers.png"));
    server = await serve(
      {
        built: folder,
        ...{ examples: path("examples"), models: path("models"), packages: path("packages") },
        node_modules: path("node_modules"),
      },
      { isolated: true },
    );
    browser = await launch(executable!);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    context = await browser.newContext({ acceptDownloads: true });
    tab = await context.newPage();
    complaints = [];
    tab.on("pageerror", ({ message }) => complaints.push(message));
    await tab.addInitScript(watchLongTasks);
  });

  afterEach(async () => {
    expect(complaints).toEqual([]);
    await context.close();
  });

  const says = (text: RegExp, timeout = 30_000) =>
    expect.poll(() => tab.innerText("body"), { timeout }).toMatch(text);
  const trousers = () => join(folder, "trousers.png");
  const fashion = "model=/models/fashion-mnist.onebit";

  it("page: names a picture from the first visit on, and what a camera sees", async () => {
    await tab.addInitScript(fakeCamera);
    await tab.goto(`${server.origin}/examples/page/index.html?${fashion}`);
    await says(/Choose a picture/);
    await tab.setInputFiles("input", trousers());
    await says(/Trouser, \d+ %/);
    await tab.getByRole("button", { name: "Camera" }).press("Enter");
    await says(/The camera sees:/);
    expect(await tab.getAttribute("button", "aria-pressed")).toBe("true");
    await tab.getByRole("button", { name: "Camera" }).click();
    expect(await tab.locator("video").isVisible()).toBe(false);
    await tab.goto(`${server.origin}/examples/page/index.html?picture=/built/trousers.png`);
    await says(
      /On this device, by wasm:.*(airplane|automobile|bird|cat|deer|dog|frog|horse|ship|truck), \d+ %/s,
    );
  });

  it("page: says what is wrong with a picture, a camera or a network, and goes on", async () => {
    await tab.goto(`${server.origin}/examples/page/index.html?${fashion}`);
    await says(/Choose a picture/);
    const file = { name: "x.png", mimeType: "image/png", buffer: Buffer.from("nothing") };
    await tab.setInputFiles("input", file);
    await says(/this is no picture that this browser can read/);
    await tab.getByRole("button", { name: "Camera" }).click();
    await says(/not found|denied|Permission/i);
    await tab.setInputFiles("input", trousers());
    await says(/Trouser, \d+ %/);
    await tab.goto(`${server.origin}/examples/page/index.html?model=/models/README.md`);
    await says(/README\.md/);
    await tab.goto(`${server.origin}/examples/page/index.html?model=/models/none.onebit`);
    await says(/404/);
  });

  it("page: tells of the picture that was chosen last", async () => {
    // Takes long to decode, and no time to get into the page.
    const slow = { width: 6000, height: 4000, channels: 3, background: "teal" } as const;
    const large = join(folder, "large.jpg");
    await sharp({ create: slow }).jpeg().toFile(large);
    await tab.goto(`${server.origin}/examples/page/index.html?${fashion}`);
    await says(/Choose a picture/);
    await tab.setInputFiles("input", trousers());
    await says(/Trouser, \d+ %/);
    await tab.setInputFiles("input", large);
    await tab.setInputFiles("input", trousers());
    await tab.waitForTimeout(1500);
    await says(/Trouser, \d+ %/, 1);
  });

  it("page: a camera that comes when something else is shown is switched off", async () => {
    await tab.addInitScript(fakeCamera);
    await tab.addInitScript(() => {
      const { mediaDevices } = navigator;
      const ask = mediaDevices.getUserMedia.bind(mediaDevices);
      const cameras: MediaStream[] = [];
      mediaDevices.getUserMedia = async (what) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        cameras.push(await ask(what));
        return cameras.at(-1)!;
      };
      Object.assign(globalThis, {
        running: () => cameras.filter(({ active }) => active).length,
        came: () => cameras.length,
      });
    });
    await tab.goto(`${server.origin}/examples/page/index.html?${fashion}`);
    await says(/Choose a picture/);
    const button = tab.getByRole("button", { name: "Camera" });
    const came = (count: number) =>
      expect.poll(() => tab.evaluate("came()"), { timeout: 10_000 }).toBe(count);
    await button.click();
    await tab.setInputFiles("input", trousers());
    await came(1);
    await says(/Trouser, \d+ %/);
    expect(await tab.evaluate("running()")).toBe(0);
    for (let presses = 0; presses < 3; presses++) await button.click();
    await came(3);
    await says(/The camera sees:/);
    expect(await tab.evaluate("running()")).toBe(1);
  });

  it("page: stays responsive with a BNext-T, and has it at hand the second time", async () => {
    const graph = buildModel("bnext-t", { classes: 1000, input: [3, 224, 224] });
    const packed = pack(graph, randomWeights(graph, 1));
    const preprocess = {
      ...{ size: [224, 224] as [number, number], channels: 3 as const, resize: 235 },
      ...{ crop: "center" as const, interpolation: "bicubic" as const },
      ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    };
    await writeFile(join(folder, "bnext-t.onebit"), await writeOnebit({ ...packed, preprocess }));
    const photograph = { width: 1600, height: 1200, channels: 3, background: "teal" } as const;
    await sharp({ create: photograph }).jpeg().toFile(join(folder, "photograph.jpg"));
    const asked = "?model=/built/bnext-t.onebit&picture=/built/photograph.jpg";
    for (const visit of ["first", "second"]) {
      await tab.goto(`${server.origin}/examples/page/index.html${asked}`);
      await says(/On this device, by wasm:.*, \d+ %/s, 60_000);
      const took = await tab.evaluate(() => performance.now());
      const busy = await tab.evaluate(() => longest);
      console.log(`${visit} visit: ${took.toFixed(0)} ms, busy for ${busy.toFixed(0)} ms at most`);
    }
    const cached = await tab.evaluate(async () => {
      const names = await caches.keys();
      const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return all.flat().map(({ url }) => new URL(url).pathname);
    });
    expect(cached).toEqual(["/built/bnext-t.onebit"]);
  }, 120_000);

  it("service-worker: answers without a network", async () => {
    await tab.goto(`${server.origin}/examples/service-worker/`);
    await says(/Ready, also without a network/);
    await context.setOffline(true);
    await tab.reload();
    await says(/Ready, also without a network/);
    await tab.setInputFiles("input", trousers());
    await says(/Trouser, \d+ %/);
  });

  it("react: names a picture, and says what fails", async () => {
    await tab.goto(`${server.origin}/built/react/index.html`);
    await tab.locator("input:enabled").waitFor();
    await tab.setInputFiles("input", trousers());
    await says(/Trouser, \d+ %/);
    const file = { name: "x.png", mimeType: "image/png", buffer: Buffer.from("nothing") };
    await tab.setInputFiles("input", file);
    await says(/no picture that can be decoded here/);
    await context.route("**/*.onebit", (route) => route.fulfill({ status: 404 }));
    await context.clearCookies();
    await tab.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
    await tab.reload();
    await says(/the server answers 404/);
  });

  it("selftest: finds that this device computes right", async () => {
    const few = "convolutions=64&networks=4&faults=1";
    await tab.goto(`${server.origin}/examples/selftest/?${few}`);
    await says(/Passed: none of [\d,]+ integers differs, nor any network/, 90_000);
    const report = JSON.parse((await tab.textContent("pre"))!);
    expect(report).toMatchObject({ ok: true, failures: [] });
    expect(report.subjects.map(({ backend }: { backend: string }) => backend)).toContain("wasm");
  }, 120_000);

  it("bench: measures what runs here, and says why the rest does not", async () => {
    await tab.goto(`${server.origin}/examples/bench/?network=bnext-nano&rounds=3`);
    await tab.getByRole("button", { name: "Measure" }).click();
    await says(/^done$/m, 90_000);
    const cells = await tab.locator("tbody tr").allInnerTexts();
    const rows = cells.map((row) => row.split("\t"));
    const measured = rows.filter(([, , median]) => Number(median) > 0);
    expect(measured.map(([name]) => name)).toEqual(
      expect.arrayContaining(["onebit", "onebit, plain SIMD", "ONNX Runtime Web, float32"]),
    );
    const others = rows.filter((row) => !measured.includes(row));
    expect(others.map(([name]) => name)).toEqual(["onebit, WebGPU"]);
    expect(others[0][3]).toMatch(/webgpu/i);
  }, 120_000);

  it("teach: learns three things from a camera, and what it gives says the same in Node", async () => {
    await tab.addInitScript(fakeCamera);
    await tab.goto(`${server.origin}/built/teach/index.html`);
    for (let time = 1; time <= 2; time++) {
      await tab.getByRole("button", { name: "Start the camera" }).click();
      await tab.waitForFunction(() => (document.querySelector("video")?.readyState ?? 0) > 1);
    }
    await expect.poll(() => tab.evaluate(() => camerasOn())).toBe(1);
    const kinds = ["stripes", "bars", "spot"];
    for (const kind of kinds) {
      await tab.getByLabel("Name:").fill(kind);
      await tab.evaluate((kind) => scene(kind), kind);
      for (let n = 1; n <= 30; n++) {
        await tab.waitForTimeout(60);
        await tab.getByRole("button", { name: "Take a picture" }).click();
      }
      await says(new RegExp(`${kind}: 30`));
    }
    const before = Date.now();
    await tab.getByRole("button", { name: "Train" }).click();
    await says(/\d+ % of 18 pictures that it did not learn from are right/, 110_000);
    const seconds = (Date.now() - before) / 1000;
    const said = (await tab.textContent("[role=status]"))!;
    console.log(`trained in ${seconds.toFixed(0)} s: ${said}`);
    expect(Number(/^\d+/.exec(said)?.[0])).toBeGreaterThanOrEqual(95);
    expect((await tab.getAttribute("polyline", "points"))!.split(" ")).toHaveLength(40);
    const [download] = await Promise.all([
      tab.waitForEvent("download"),
      tab.getByRole("link", { name: "Download" }).click(),
    ]);
    const file = join(folder, "mine.onebit");
    await download.saveAs(file);
    using model = await load(file);
    expect(model.info.labels).toEqual(kinds);
    for (const kind of kinds) {
      const url = await tab.evaluate((kind) => {
        scene(kind);
        return shot();
      }, kind);
      const pixels = sharp(Buffer.from(url.split(",")[1], "base64")).removeAlpha();
      const { data, info } = await pixels.raw().toBuffer({ resolveWithObject: true });
      const [best] = await model.classify({ ...info, data }, { top: 1 });
      expect(best.label).toBe(kind);
      await says(new RegExp(`${kind}, \\d+ %`));
    }
    // More of them from a folder that has a folder for each.
    const more = join(folder, "more");
    await mkdir(join(more, "spot"), { recursive: true });
    await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
      .png()
      .toFile(join(more, "spot/red.png"));
    await writeFile(join(more, "spot/notes.txt"), "no picture");
    await tab.setInputFiles("#folder", more);
    await says(/spot: 31/);
    await tab.getByRole("checkbox").check();
    await tab.getByRole("button", { name: "Train" }).click();
    await says(/% of 18 pictures that it did not learn from are right; /);
    expect((await readFile(file)).length).toBeLessThan(60_000);
  }, 240_000);
});
