import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { chromium } from "playwright-core";
import { measureLatency } from "../../packages/cli/dist/bench/latency.js";
import { bothForms } from "../../packages/cli/dist/subjects/both-forms.js";
import { serve } from "./server.mjs";

const CANDIDATES = [process.env.ONEBIT_CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"];
const ORT = "node_modules/onnxruntime-web";

export function findChromium() {
  return CANDIDATES.find((path) => path && existsSync(path));
}

/**
 * onebit, the same network in float32 on ONNX Runtime Web, MobileNetV2 there and on LiteRT.js, in one page, in turns. `litert`, `int8`: undefined to leave
 * LiteRT.js out. Gives Chromium's version and a row of the table for each engine and number of threads.
 */
export async function benchChromium(options) {
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-quic", "--disable-background-networking"],
  });
  try {
    const rows = [];
    for (const threads of options.threads) rows.push(...(await group(browser, threads, options)));
    return { version: browser.version(), rows };
  } finally {
    await browser.close();
  }
}

async function group(browser, threads, { root, litert, network, mobilenet, int8, rounds }) {
  const { packed, graph, tensors } = await bothForms(network, {});
  const { logits } = graph.outputs;
  const scalars = scalarInputs(graph, tensors);
  const same = toOnnx({ ...graph, outputs: { logits } }, { tensors, scalars });
  const page = await browser.newPage();
  const files = {
    "network.onebit": Buffer.from(packed),
    "same.onnx": Buffer.from(same),
    "float.onnx": readFileSync(mobilenet),
  };
  if (int8) files["int8.tflite"] = readFileSync(int8);
  const server = await serve(files, {
    core: join(root, "packages/core"),
    ort: join(root, ORT, "dist"),
    ...(litert && { litert, "wasm-utils": join(litert, "../wasm-utils") }),
    "": import.meta.dirname,
  });
  await page.goto(`${server.origin}/page.html`);
  const ort = `onnxruntime-web ${versionOf(join(root, ORT))}, float32`;
  const engines = [
    { name: "onebit", label: "onebit wasm", network: basename(network), bytes: packed.length },
    { name: "same", label: ort, network: basename(network), bytes: same.length },
    { name: "ort", label: ort, network: basename(mobilenet), bytes: statSync(mobilenet).size },
    ...(int8
      ? [
          {
            ...{ name: "litert", label: `LiteRT.js ${versionOf(litert)}, int8` },
            ...{ network: basename(int8), bytes: statSync(int8).size },
          },
        ]
      : []),
  ];
  const competitors = [];
  for (const { name, label } of engines) {
    await page.evaluate(([name, threads]) => globalThis.start(name, threads), [name, threads]);
    const run = () => page.evaluate((name) => globalThis.run(name), name);
    competitors.push({ engine: label, threads, run });
  }
  const measured = await measureLatency(competitors, { minRounds: rounds, maxRounds: rounds });
  await page.close();
  server.close();
  return engines.map(({ network, label, bytes }, i) => {
    const { medianMs, p5Ms, p95Ms } = measured[i];
    const range = `${p5Ms.toFixed(1)} to ${p95Ms.toFixed(1)}`;
    return [network, label, threads, medianMs.toFixed(1), range, (bytes / 1e6).toFixed(2)];
  });
}

function versionOf(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
}
