/**
 * npm run docs:accuracy-cost [-- OPTIONS]: docs/accuracy-cost.md and its charts, from the catalogue and from this
 * machine. All that is timed takes turns, one image, one thread: 1-bit networks on onebit, natively and in
 * WebAssembly; float networks, and the same in 8 bits, on ONNX Runtime's two. Weights are random: speed does not
 * depend on them, nor on what 8 bits cost in accuracy.
 *
 *   --networks LIST   only these 1-bit networks are timed (default: all)
 *   --peers LIST      only these float networks are timed (default: all but the deepest ResNets)
 *   --seconds N       of turns (default: 480)
 *   --redraw          only the charts, from the times that the page has
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { int8Of } from "@onebit/train/subjects";
import { writeOnebit } from "onebit/file";
import { toOnnx } from "onebit/onnx";
import { pack } from "onebit/pack";
import { insertFigures } from "../packages/cli/dist/bench/figures.js";
import { measureLatency } from "../packages/cli/dist/bench/latency.js";
import { markdownTable } from "../packages/cli/dist/bench/markdown.js";
import { onebitEntry } from "../packages/cli/dist/bench/onebit-engine.js";
import { onnxRuntimeNode } from "../packages/cli/dist/bench/peers/onnxruntime-node.js";
import { onnxRuntimeWeb } from "../packages/cli/dist/bench/peers/onnxruntime-web.js";
import { busyLine } from "../packages/cli/dist/bench/report.js";
import { machine } from "../packages/cli/dist/machine.js";
import { randomNetwork } from "../packages/cli/dist/subjects/both-forms.js";
import { scatterChart } from "../packages/train/dist/drawing/index.js";
import { rows, TIMED, tableRows, winners } from "./accuracy-cost/rows.mjs";

const { values: given } = parseArgs({
  options: {
    networks: { type: "string" },
    peers: { type: "string" },
    seconds: { type: "string", default: "480" },
    redraw: { type: "boolean", default: false },
  },
});
const docs = (name) => join(import.meta.dirname, "../docs", name);
const loadAverage = loadavg()[0];
const all = rows();
const names = (kind) => all.filter((row) => row.kind === kind).map(({ network }) => network);
const chosen = given.networks?.split(",") ?? names("1-bit");
const peers =
  given.peers?.split(",") ?? names("float32").filter((name) => !/-(101|152)$/.test(name));
refuseUnknown(chosen, names("1-bit"), "--networks");
refuseUnknown(peers, names("float32"), "--peers");

/** What takes turns: { network, kind, column, run }. */
const competitors = [];
const failed = [];
const engines = [];
if (given.redraw) draw(tableRows(readFileSync(docs("accuracy-cost.md"), "utf8"), "networks"));
else await measure();

async function measure() {
  engines.push(await onnxRuntimeNode(1), await onnxRuntimeWeb(1));
  for (const network of chosen) await addOwn(network);
  for (const network of peers) await addPeer(network);
  console.error(`${competitors.length} take turns`);
  const budgetMs = 1000 * Number(given.seconds);
  const times = await measureLatency(competitors, { budgetMs, minRounds: 5, maxRounds: 60 });
  for (const engine of engines) await engine.dispose();
  for (const [i, { network, kind, column }] of competitors.entries()) {
    all.find((row) => row.network === network && row.kind === kind)[column] = String(
      Number(times[i].medianMs.toPrecision(3)),
    );
  }
  write(times[0].rounds);
  draw(all);
}

async function addOwn(network) {
  const { graph, tensors } = randomNetwork(network, {});
  const packed = await writeOnebit(pack(graph, tensors));
  for (const [i, backend] of ["native", "wasm"].entries()) {
    const entry = await onebitEntry(packed, backend, { threads: 1, batch: 1 });
    competitors.push({ ...entry, network, kind: "1-bit", column: TIMED[i] });
  }
}

async function addPeer(network) {
  const { graph, tensors } = randomNetwork(network, {});
  const { logits } = graph.outputs;
  const scored = { ...graph, outputs: { logits } };
  const size = graph.inputs[0].shape.reduce((product, dim) => product * dim, 1);
  const noise = [1, 2].map((n) => Float32Array.from({ length: size }, (_, i) => Math.sin(n * i)));
  const forms = [
    ["float32", toOnnx(scored, { tensors })],
    ["int8", await int8Of(network, scored, tensors, noise)],
  ];
  for (const [kind, bytes] of forms)
    for (const [i, engine] of engines.entries()) {
      const name = `${network}, ${kind}`;
      try {
        const { run } = await engine.open({ name, bytes }, 1);
        competitors.push({ engine: name, threads: 1, run, network, kind, column: TIMED[i] });
      } catch (error) {
        failed.push(`${name}, ${engine.engine}: ${error.message}`);
      }
    }
}

function refuseUnknown(names, known, flag) {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new Error(`${flag} ${unknown}: there are ${known.join(", ")}`);
}

function write(rounds) {
  const { cpu, platform, node } = machine();
  const busy = busyLine({ loadAverage, machine: machine() });
  const versions = engines.map(({ engine }) => engine).join(", ");
  const where = `Measured on ${cpu}${vectors()}, ${platform}, Node ${node}, ${versions}; median of ${rounds} rounds of turns${busy ? `; ${busy}` : ""}.`;
  const table = (list) =>
    markdownTable({ head: Object.keys(list[0]), rows: list.map(Object.values) });
  const reasons = failed.length
    ? `\n\nDoes not run:\n\n${failed.map((line) => `- ${line}`).join("\n")}`
    : "";
  const figures = {
    networks: `${where}\n\n${table(all)}${reasons}`,
    native: table(winners(all, TIMED[0])),
    wasm: table(winners(all, TIMED[1])),
  };
  const page = docs("accuracy-cost.md");
  writeFileSync(page, insertFigures(readFileSync(page, "utf8"), figures).page);
}

/** What decides about 8 bits and 1: the widest vector instructions, where the system says. */
function vectors() {
  if (!existsSync("/proc/cpuinfo")) return "";
  const flags = new Set(readFileSync("/proc/cpuinfo", "utf8").split(/\s+/));
  const known = [
    "amx_int8",
    "avx512_vpopcntdq",
    "avx512_vnni",
    "avx512f",
    "avx_vnni",
    "avx2",
    "asimddp",
  ];
  const found = known.filter((name) => flags.has(name));
  return found.length ? ` (${found.join(", ")})` : "";
}

function draw(rows) {
  const both = ["1-bit", "float32"];
  const native = "ms of one image, one thread, natively";
  writeFileSync(docs("accuracy-ops.svg"), chart(rows, "OPs, M", "operations, M", both));
  writeFileSync(docs("accuracy-latency.svg"), chart(rows, TIMED[0], native, [...both, "int8"]));
}

function chart(rows, column, xLabel, groups) {
  const shown = rows.filter((row) => groups.includes(row.kind) && Number(row[column]) > 0);
  return scatterChart({
    points: shown.map((row) => ({
      name: row.network,
      x: Number(row[column]),
      y: Number(row["top-1, %"]),
      group: groups.indexOf(row.kind),
    })),
    ...{ xLabel, yLabel: "top-1 on ImageNet, %", groups, height: 520 },
  });
}
