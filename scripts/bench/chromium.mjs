import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";
import { measureLatency } from "../../packages/cli/dist/bench/latency.js";
import { bothForms } from "../../packages/cli/dist/subjects/both-forms.js";

const CANDIDATES = [process.env.ONEBIT_CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
const ORT = "node_modules/onnxruntime-web";
const ORIGIN = "http://localhost:9";

export function findChromium() {
  return CANDIDATES.find((path) => path && existsSync(path));
}

/**
 * onebit, ONNX Runtime Web and LiteRT.js in one page, in turns. `litert`, `int8`: undefined to leave
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
  const { packed } = await bothForms(network, {});
  const page = await browser.newPage();
  const files = { "network.onebit": Buffer.from(packed), "float.onnx": readFileSync(mobilenet) };
  if (int8) files["int8.tflite"] = readFileSync(int8);
  await page.route(`${ORIGIN}/**`, (route) => route.fulfill(answer(route, root, litert, files)));
  await page.goto(`${ORIGIN}/page.html`);
  const engines = [
    { name: "onebit", label: "onebit wasm", network: basename(network), bytes: packed.length },
    {
      ...{ name: "ort", label: `onnxruntime-web ${versionOf(join(root, ORT))}, float32` },
      ...{ network: basename(mobilenet), bytes: statSync(mobilenet).size },
    },
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
  return engines.map(({ network, label, bytes }, i) => {
    const { medianMs, p5Ms, p95Ms } = measured[i];
    const range = `${p5Ms.toFixed(1)} to ${p95Ms.toFixed(1)}`;
    return [network, label, threads, medianMs.toFixed(1), range, (bytes / 1e6).toFixed(2)];
  });
}

function versionOf(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
}

/** Files of the page, as a server would send them, with what threads need. */
function answer(route, root, litert, files) {
  const path = normalize(new URL(route.request().url()).pathname).slice(1);
  const [mount, ...rest] = path.split("/");
  const folders = {
    core: join(root, "packages/core"),
    ort: join(root, ORT, "dist"),
    litert: join(litert ?? ""),
    "wasm-utils": join(litert ?? "", "../wasm-utils"),
  };
  const file = folders[mount] ? join(folders[mount], ...rest) : join(import.meta.dirname, path);
  const body = files[path] ?? (existsSync(file) ? readFileSync(file) : undefined);
  const type = extname(path) === ".wasm" ? "application/wasm" : TYPES[extname(path)];
  return {
    status: body ? 200 : 404,
    body: body ?? "",
    contentType: type ?? "application/octet-stream",
    headers: {
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-resource-policy": "same-origin",
    },
  };
}
