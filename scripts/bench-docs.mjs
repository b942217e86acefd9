/**
 * npm run bench:docs [-- OPTIONS]: measures, and inserts the figures into docs/benchmarks.md.
 *
 *   --page FILE           another page with places for figures
 *   --networks LIST       architectures or files (default: bnext-t,reactnet-a)
 *   --threads LIST        (default: 1,2)
 *   --mobilenet FILE      MobileNetV2 in float32, .onnx
 *   --mobilenet-int8 FILE the same in 8 bits, .tflite, for LiteRT.js in Chromium
 *   --rounds N            timed runs of each in Chromium (default: 40)
 *   --no-kernels, --no-chromium
 *
 * The two files are looked for in the folder named by ONEBIT_SHARED (default ../shared), under
 * data/weights. LiteRT.js is no dependency: npm install --no-save @litertjs/core
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { insertFigures } from "../packages/cli/dist/bench/figures.js";
import { markdownTable } from "../packages/cli/dist/bench/markdown.js";
import { benchChromium, findChromium } from "./bench/chromium.mjs";

const root = join(import.meta.dirname, "..");
const shared = resolve(root, process.env.ONEBIT_SHARED ?? "../shared", "data/weights");
const { values: given } = parseArgs({
  allowNegative: true,
  options: {
    page: { type: "string", default: join(root, "docs/benchmarks.md") },
    networks: { type: "string", default: "bnext-t,reactnet-a" },
    threads: { type: "string", default: "1,2" },
    mobilenet: { type: "string", default: join(shared, "onnx/mobilenet_v2_1.0_224_f32.onnx") },
    "mobilenet-int8": {
      type: "string",
      default: join(shared, "tflite/tf2_mobilenet_v2_1.0_224_ptq.tflite"),
    },
    rounds: { type: "string", default: "40" },
    kernels: { type: "boolean", default: true },
    chromium: { type: "boolean", default: true },
  },
});
const networks = given.networks.split(",");
const litert = join(root, "node_modules/@litertjs/core");

// Everything that can be missing is asked for before minutes are spent.
need(given.mobilenet, "take it from the ONNX Model Zoo, or name it: --mobilenet FILE.onnx");
if (given.chromium) {
  need(given["mobilenet-int8"], "name it: --mobilenet-int8 FILE.tflite, or leave Chromium out");
  need(litert, "npm install --no-save @litertjs/core, or leave Chromium out: --no-chromium");
  need(findChromium(), "install Chromium or name it in ONEBIT_CHROMIUM, or --no-chromium");
}

const against = `onnxruntime,onnxruntime-web,${given.mobilenet}`;
const flags = ["--threads", given.threads, "--against", against, "--markdown", given.page];
if (given.kernels) flags.push("--kernels");
const onebit = join(root, "packages/cli/bin/onebit.js");
const { status } = spawnSync(process.execPath, [onebit, "bench", ...networks, ...flags], {
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
if (given.chromium) await addChromium();

async function addChromium() {
  const { version, rows } = await benchChromium({
    ...{ root, litert, network: networks[0], threads: given.threads.split(",").map(Number) },
    ...{ mobilenet: given.mobilenet, int8: given["mobilenet-int8"], rounds: Number(given.rounds) },
  });
  const head = ["network", "engine", "threads", "median ms", "p5 to p95", "file, MB"];
  const text = `Chromium ${version}.\n\n${markdownTable({ head, rows })}`;
  const { page, homeless } = insertFigures(readFileSync(given.page, "utf8"), { chromium: text });
  if (homeless.length) return console.log(`${given.page} has no place for chromium:\n\n${text}`);
  writeFileSync(given.page, page);
  console.error(`${given.page}: Chromium's figures inserted`);
}

function need(path, remedy) {
  if (path !== undefined && existsSync(path)) return;
  console.error(`bench:docs: ${path ?? "Chromium"} is not there: ${remedy}`);
  process.exit(2);
}
