import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Report, reportHtml } from "@onebit/train";
import { expect, it } from "vitest";
import { findChromium, launch } from "./chromium.js";

const executable = findChromium();
const epochs = [1, 2, 3];
const curve = { xLabel: "epoch", x: epochs, series: [{ name: "train", y: [3, 2, 1] }] };
const classes = Array.from("0123456789ABCDEFGHIJ");

const report: Report = {
  title: "a report",
  summary: "everything that a report can show",
  facts: [{ name: "latency, some engine of a long name", value: "12.345 ms", note: "one image" }],
  curves: ["loss", "top-1"].map((title) => ({ ...curve, title })),
  confusion: { classes, counts: classes.map(() => classes.map(() => 123)) },
  layers: [{ name: "conv1", op: "binary-conv", macs: 1000, binaryMacs: 750, bytes: 42 }],
  latency: [{ engine: "onebit wasm", threads: 1, medianMs: 0.5, p5Ms: 0.4, p95Ms: 0.75 }],
  samples: [],
  provenance: { command: "npm start" },
};

it.skipIf(!executable)("a report draws its curves, fits a phone, and loads nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onebit-report-"));
  const path = join(folder, "report.html");
  await writeFile(path, await reportHtml(report));
  const browser = await launch(executable!);
  try {
    for (const width of [1200, 390]) {
      const page = await browser.newPage({ viewport: { width, height: 800 } });
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => {
        if (/^https?:/.test(request.url())) complaints.push(request.url());
      });
      await page.goto(String(pathToFileURL(path)));
      const inked = await page.locator("canvas").evaluateAll((canvases) =>
        canvases.map((canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          const context = (canvas as HTMLCanvasElement).getContext("2d")!;
          return context.getImageData(0, 0, width, height).data.some((value) => value > 0);
        }),
      );
      expect(inked).toEqual([true, true]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(complaints).toEqual([]);
      await page.close();
    }
  } finally {
    await browser.close();
    await rm(folder, { recursive: true });
  }
});
