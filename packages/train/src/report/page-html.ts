import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { escapeHtml } from "./html.js";
import { plotScript, style } from "./page.js";

export interface Page {
  readonly title: string;
  readonly summary: string;
  /** HTML; absent ones are left out. */
  readonly sections: readonly (string | undefined)[];
}

/** One self-contained HTML page: no network, no files beside it. */
export async function pageHtml({ title, summary, sections }: Page): Promise<string> {
  const { script, css } = await plotLibrary();
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${css}${style}</style></head><body>
<h1>${escapeHtml(title)}</h1><p>${escapeHtml(summary)}</p>
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
