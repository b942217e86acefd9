import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "onebit";
import { writeOnebit } from "onebit/file";
import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConformanceReport } from "../../packages/core/src/conformance/index.js";
import { randomWeights } from "../../packages/core/src/test-support/random-weights.js";
import { findChromium, launch } from "./chromium.js";
import { picture } from "./picture.js";
import { type StaticServer, serve } from "./server.js";

type BrowserReport = ConformanceReport & { readonly passedOver: object };

/** What page.js offers. */
interface PageApi {
  conformance(options: object): Promise<BrowserReport>;
  inWorker(name: "conformance", options: object): Promise<BrowserReport>;
  classify(url: string, options: object): Promise<Classified>;
}

interface Classified {
  readonly backend: string;
  readonly fromPixels: readonly { label: string; probability: number }[];
  readonly fromBitmap: readonly object[];
  readonly logits: readonly number[];
}

declare const onebit: PageApi;

const executable = findChromium();
const core = fileURLToPath(new URL("../../packages/core", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
const models = ["reactnet-nano", "bnext-nano"] as const;
const size = { width: 45, height: 37 };

/** A network of random weights that takes photographs. */
async function packedModel(name: string): Promise<Uint8Array> {
  const graph = buildModel(name, { classes: 10, input: [3, 32, 32] });
  const packed = pack(graph, randomWeights(graph, 3), { temperature: 0 });
  const mean = [0.4, 0.5, 0.6];
  const how = { size: [32, 32] as [number, number], channels: 3 as const, resize: 36 };
  const crop = { crop: "center", interpolation: "bicubic" } as const;
  const preprocess = { ...how, ...crop, mean, std: [0.2, 0.3, 0.25] };
  return writeOnebit({ ...packed, preprocess });
}

describe.skipIf(!executable)("in Chromium", () => {
  let browser: Browser;
  let folder: string;
  const files = new Map<string, Uint8Array>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-browser-"));
    for (const name of models) {
      files.set(name, await packedModel(name));
      await writeFile(join(folder, `${name}.onebit`), files.get(name)!);
    }
    browser = await launch(executable!);
  });

  afterAll(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  describe.each([
    { isolated: true, threads: 2 },
    { isolated: false, threads: 1 },
  ])("cross-origin isolated: $isolated", ({ isolated, threads }) => {
    let server: StaticServer;
    let page: Page;
    const complaints: string[] = [];

    beforeAll(async () => {
      server = await serve({ onebit: core, page: here, models: folder }, { isolated });
      page = await browser.newPage();
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
          complaints.push(message.text());
        }
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      await page.goto(`${server.origin}/page/page.html`);
      await page.waitForFunction(() => "onebit" in globalThis);
    });

    afterAll(async () => {
      await page?.close();
      await server?.close();
    });

    it.each(["page", "worker"])("passes the conformance suite in a %s", async (where) => {
      // Others in each of the four places.
      const seed = 1 + 2 * Number(isolated) + Number(where === "worker");
      const counts = { seed, convolutions: 480, networks: 25, faults: 1, threads: [1, 2] };
      const report = await page.evaluate(
        ([place, options]) =>
          place === "worker"
            ? onebit.inWorker("conformance", options as object)
            : onebit.conformance(options as object),
        [where, { ...counts, backends: ["wasm", "reference"] }],
      );
      console.log(summary(report, await page.evaluate(() => navigator.userAgent)));
      expect(report.failures).toEqual([]);
      expect(report.ok).toBe(true);
      expect(report.passedOver).toEqual({});
      const used = report.subjects.map(({ backend, threadsAtWork }) => [backend, threadsAtWork]);
      expect(used).toEqual([
        ["wasm", 1],
        ["wasm", threads],
        ["reference", 1],
      ]);
    });

    it.each(models)("%s gives the bits that it gives in Node", async (name) => {
      const file = `/models/${name}.onebit`;
      using model = await load(files.get(name)!, { backend: "reference" });
      const { logits } = await model.features(picture(size));
      for (const backend of ["auto", "wasm", "reference"]) {
        const options = { backend, threads, ...size };
        const result = await page.evaluate(
          ([url, given]) => onebit.classify(url as string, given as object),
          [file, options],
        );
        expect(result.backend).toBe(backend === "auto" ? "wasm" : backend);
        expect(new Uint32Array(Float32Array.from(result.logits).buffer)).toEqual(
          new Uint32Array(Float32Array.from(logits.data).buffer),
        );
        expect(result.fromPixels).toEqual(await model.classify(picture(size), { top: 3 }));
        expect(result.fromBitmap).toEqual(result.fromPixels);
      }
    });

    it("takes the kernels with relaxed SIMD, which Chromium has", () => {
      const kernels = [...server.requested].filter((path) => path.endsWith(".wasm"));
      expect(kernels).toEqual(["/onebit/wasm/relaxed.wasm"]);
    });

    it("measures kernels of convolutions", () => {
      expect([...server.requested]).toContain(
        "/onebit/dist/runtime/backends/wasm/fastest-kernels.js",
      );
    });

    it("prints no errors", () => {
      expect(complaints).toEqual([]);
    });
  });
});

function summary({ subjects }: ConformanceReport, agent: string): string {
  const lines = subjects.map((subject) => {
    const { backend, threads, threadsAtWork, convolutions, networks, kernels } = subject;
    const names = Object.keys(kernels).join(", ") || "kernels not named";
    const tried = `${convolutions} convolutions, ${networks} networks`;
    return `  ${backend}, ${threadsAtWork} of ${threads} threads: ${tried}; ${names}`;
  });
  return [agent, ...lines].join("\n");
}
