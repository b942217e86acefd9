/**
 * npm run bench:page [-- --visits N]: how long examples/page takes, from the navigation to the classes of a photograph
 * of 1600x1200, and how long its thread was busy at a stretch: the first visit with an empty cache, then N with a warm
 * one (default: 7), in one tab of a Chromium that has visited nothing else. BNext-T of random weights, 13.7 MB, and
 * the Fashion-MNIST network.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readOnebit, writeOnebit } from "onebit/file";
import { models } from "onebit/models";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { median } from "../packages/cli/dist/bench/latency.js";
import { machine } from "../packages/cli/dist/machine.js";
import { bothForms } from "../packages/cli/dist/subjects/both-forms.js";
import { findChromium } from "./bench/chromium.mjs";
import { serve } from "./bench/server.mjs";

const { values: given } = parseArgs({ options: { visits: { type: "string", default: "7" } } });
const files = { "bnext-t.onebit": await bnextT(), "photograph.jpg": await photograph() };
const server = await serve(files, { "": join(import.meta.dirname, "..") });
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const tab = await browser.newPage();
await tab.addInitScript(watch);
const { cpu, platform } = machine();
console.log(`Chromium ${browser.version()}, ${cpu}, ${platform}\n`);
console.log("| network | visit | ms | longest task, ms |\n|---|---|---|---|");
for (const [network, query] of [
  ["bnext-t", "model=/bnext-t.onebit&"],
  ["fashion-mnist", "model=/models/fashion-mnist.onebit&"],
]) {
  const first = await visit(query);
  print(network, "first", [first]);
  const warm = [];
  for (let n = 0; n < Number(given.visits); n++) warm.push(await visit(query));
  print(network, `${warm.length} more, median`, warm);
}
await browser.close();
server.close();

async function visit(query) {
  const page = `${server.origin}/examples/page/index.html`;
  await tab.goto(`${page}?${query}picture=/photograph.jpg`, { waitUntil: "commit" });
  await tab.waitForFunction(() => globalThis.answered);
  // What was busy then is told a little later.
  await tab.waitForTimeout(200);
  return tab.evaluate(() => ({ ms: globalThis.answered, longest: globalThis.longest }));
}

function print(network, which, visits) {
  const [ms, longest] = ["ms", "longest"].map((key) => median(visits.map((visit) => visit[key])));
  const most = Math.max(...visits.map((visit) => visit.longest));
  const busy = most ? `${longest.toFixed(0)}, at most ${most.toFixed(0)}` : "none over 50";
  console.log(`| ${network} | ${which} | ${ms.toFixed(0)} | ${busy} |`);
}

/** In the page: when it has named the classes, and how long its thread was ever busy at a stretch. */
function watch() {
  globalThis.longest = 0;
  const note = (list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  };
  new PerformanceObserver(note).observe({ type: "longtask", buffered: true });
  const look = () => {
    const status = document.querySelector("[role=status]");
    if (/^On this device/.test(status?.textContent ?? ""))
      globalThis.answered ??= performance.now();
  };
  const changes = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document, changes);
}

async function bnextT() {
  const { program, tensors } = await readOnebit((await bothForms("bnext-t", {})).packed);
  const { preprocess } = models["bnext-t"];
  return Buffer.from(await writeOnebit({ program, tensors, preprocess }));
}

function photograph() {
  const noise = { type: "gaussian", mean: 128, sigma: 30 };
  const create = { width: 1600, height: 1200, channels: 3, background: "teal", noise };
  return sharp({ create }).jpeg().toBuffer();
}
