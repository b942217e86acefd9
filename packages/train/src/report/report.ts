import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { escapeHtml } from "./html.js";
import { plotScript, style } from "./page.js";
import {
  confusionSection,
  curvesSection,
  factsSection,
  latencySection,
  layersSection,
  provenanceSection,
  samplesSection,
} from "./sections.js";
import type { Report } from "./types.js";

/** One self-contained HTML page: no network, no files beside it. */
export async function reportHtml(report: Report): Promise<string> {
  const sections = [
    factsSection(report.facts),
    report.curves && curvesSection(report.curves),
    report.samples && samplesSection(report.samples),
    report.confusion && confusionSection(report.confusion),
    report.latency && latencySection(report.latency),
    report.layers && layersSection(report.layers),
    provenanceSection(report.provenance),
  ];
  const { script, css } = await plotLibrary();
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(report.title)}</title><style>${css}${style}</style></head><body>
<h1>${escapeHtml(report.title)}</h1><p>${escapeHtml(report.summary)}</p>
${sections.filter(Boolean).join("\n")}
<script>${script}</script><script>${plotScript}</script></body></html>
`;
}

/** uPlot's own files, written into the page so that it stands alone. */
async function plotLibrary(): Promise<{ script: string; css: string }> {
  const entry = createRequire(import.meta.url).resolve("uplot");
  const file = (name: string) => readFile(new URL(`../dist/${name}`, `file://${entry}`), "utf8");
  return { script: await file("uPlot.iife.min.js"), css: await file("uPlot.min.css") };
}
