import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { rolldown } from "rolldown";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launch } from "./chromium.js";
import { listings } from "./markdown.js";
import { type StaticServer, serve } from "./server.js";

const executable = findChromium();
const root = fileURLToPath(new URL("../..", import.meta.url));
const codeOf = (section: string) =>
  listings("browser.md", section).flatMap(({ language, code }) =>
    language === "js" ? [code] : [],
  );

const PAGE = `<!doctype html><link rel="icon" href="data:,"><progress></progress><video muted></video>
<input type="file" name="dark" multiple><input type="file" name="light" multiple><a>network</a><output></output>`;

/** Pictures that are dark or light all over, each a little different. */
const shades = (base: number) =>
  Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const [r, g, b] = [base + 3 * i, base + i, base + 2 * i];
      const create = { width: 48, height: 40, channels: 3, background: { r, g, b } } as const;
      const buffer = await sharp({ create }).png().toBuffer();
      return { name: `${i}.png`, mimeType: "image/png", buffer };
    }),
  );

describe.skipIf(!executable)("docs/browser.md", () => {
  let folder: string;
  let server: StaticServer;
  let browser: Browser;
  let tab: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-guide-"));
    await copyFile(join(root, "models/fashion-mnist.onebit"), join(folder, "fashion-mnist.onebit"));
    await writeFile(join(folder, "index.html"), PAGE);
    server = await serve(
      {
        "": folder,
        core: join(root, "packages/core"),
        ort: join(root, "node_modules/onnxruntime-web/dist"),
      },
      { isolated: true },
    );
    const args = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
    browser = await launch(executable!, args);
    tab = await browser.newPage();
    tab.on("pageerror", ({ message }) => complaints.push(message));
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  /** The page, running code as a bundler would leave it. */
  async function run(name: string, code: string) {
    // Files of its own that a bundle would have beside it are where they were.
    const source = join(root, `test/browser/${name}.guide.js`);
    const given = { name: "given", load: (id: string) => (id === source ? code : undefined) };
    const resolveId = (id: string) => (id === source ? source : undefined);
    const bundle = await rolldown({
      ...{ input: source, platform: "browser", plugins: [{ ...given, resolveId }] },
      resolve: { alias: { onebit$: join(root, "packages/core/dist/onebit.standalone.js") } },
    });
    await bundle.write({ file: join(folder, `${name}.js`), format: "esm", codeSplitting: false });
    await bundle.close();
    await tab.addScriptTag({ type: "module", url: `/${name}.js` });
  }

  it("loads in a worker, and follows a camera", async () => {
    const [model] = codeOf("Off the page's thread");
    const [camera] = codeOf("Pictures and cameras");
    await tab.goto(`${server.origin}/`);
    await run("camera", `${model}${camera}`);
    await expect.poll(() => tab.textContent("output"), { timeout: 30_000 }).toMatch(/\w/);
    expect(await tab.evaluate(() => document.querySelector("progress")!.position)).toBe(1);
    expect(complaints).toEqual([]);
  }, 60_000);

  it("opens without a network", async () => {
    const [main, worker] = codeOf("Without a network");
    const own = join(folder, "offline");
    await mkdir(own);
    for (const [from, name] of [
      ["packages/core/dist/onebit.standalone.js", "onebit.standalone.js"],
      ["models/fashion-mnist.onebit", "fashion-mnist.onebit"],
    ]) {
      await copyFile(join(root, from), join(own, name));
    }
    const page = `${PAGE}<script type="module" src="main.js"></script>`;
    const files = { "index.html": page, "main.js": main, "sw.js": worker };
    for (const [name, content] of Object.entries(files)) await writeFile(join(own, name), content);
    const gone = await serve({ "": own }, { isolated: false });
    const ready = () => expect.poll(() => tab.textContent("output")).toMatch(/^ready: T-shirt/);
    await tab.goto(`${gone.origin}/`);
    await ready().finally(() => gone.close());
    await tab.reload();
    await ready();
    expect(complaints).toEqual([]);
  }, 60_000);

  it("learns, from nothing and on what is there", async () => {
    const [learn, head] = codeOf("A page that learns");
    await tab.goto(`${server.origin}/`);
    await tab.setInputFiles("[name=dark]", await shades(20));
    await tab.setInputFiles("[name=light]", await shades(200));
    const wasm = learn.replace(
      /^const examples/m,
      (line) => `ort.env.wasm.wasmPaths = "/ort/";\n${line}`,
    );
    const tell = "globalThis.retrained = retrained.length;\n";
    await run("learn", `${wasm}${head}${tell}`);
    await expect.poll(() => tab.textContent("output"), { timeout: 100_000 }).toBe("100 % of 2");
    expect(await tab.getAttribute("a", "href")).toMatch(/^blob:/);
    await tab.waitForFunction("globalThis.retrained > 50_000");
    expect(complaints).toEqual([]);
  }, 150_000);
});
