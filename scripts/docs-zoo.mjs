/**
 * npm run docs:zoo [-- OPTIONS]: the table of docs/zoo.md, from the catalogue and from this machine: one image,
 * one thread, natively and in WebAssembly in turns; random weights, because speed does not depend on them.
 *
 *   --networks LIST   only these are timed: others keep the times that the page has
 *   --seconds N       of turns for each network (default: 6)
 */
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cost } from "onebit/cost";
import { buildModel } from "onebit/models";
import { insertFigures } from "../packages/cli/dist/bench/figures.js";
import { measureLatency } from "../packages/cli/dist/bench/latency.js";
import { markdownTable } from "../packages/cli/dist/bench/markdown.js";
import { onebitEntry } from "../packages/cli/dist/bench/onebit-engine.js";
import { busyLine } from "../packages/cli/dist/bench/report.js";
import { machine } from "../packages/cli/dist/machine.js";
import { bothForms } from "../packages/cli/dist/subjects/both-forms.js";
import { facts, networks, TIMED, zooRows } from "./zoo/rows.mjs";

const { values: given } = parseArgs({
  options: { networks: { type: "string" }, seconds: { type: "string", default: "6" } },
});
const page = join(import.meta.dirname, "../docs/zoo.md");
const loadAverage = loadavg()[0];
const chosen = given.networks?.split(",") ?? networks();
const yardstick = { ...(await entryOf("bnext-t", "native")), macs: macsOf("bnext-t") };
const before = new Map(zooRows(readFileSync(page, "utf8")).map((row) => [row.network, row]));
const rows = [];
for (const name of networks()) {
  const isTimed = chosen.includes(name) || !before.has(name);
  rows.push(joined(facts(name), isTimed ? times(await pace(name)) : before.get(name)));
  if (isTimed) console.error(name);
}
writePage();

/** What the catalogue says, with what was timed in between. */
function joined({ "public weights": weights, here, ...counts }, timed) {
  const measured = Object.fromEntries(TIMED.map((column) => [column, timed[column]]));
  return { ...counts, ...measured, "public weights": weights, here };
}

function times({ native, wasm, relative }) {
  const ratio = Number.isFinite(relative) ? `${relative.toFixed(2)} x` : "";
  const values = [native.toPrecision(3), wasm.toPrecision(3), ratio];
  return Object.fromEntries(TIMED.map((column, i) => [column, values[i]]));
}

/**
 * Median milliseconds of one image; relative: those of the native engine by 1-bit multiply-adds, against BNext-T's in
 * the same turns, where there are any.
 */
async function pace(name) {
  const entries = [await entryOf(name, "native"), await entryOf(name, "wasm")];
  const latencies = await measureLatency([...entries, yardstick], {
    budgetMs: 1000 * Number(given.seconds),
    ...{ minRounds: 5, maxRounds: 40 },
  });
  for (const { model } of entries) model.dispose();
  const [native, wasm, unit] = latencies.map(({ medianMs }) => medianMs);
  return { native, wasm, relative: native / macsOf(name) / (unit / yardstick.macs) };
}

async function entryOf(name, backend) {
  const { packed } = await bothForms(name, {});
  return onebitEntry(packed, backend, { threads: 1, batch: 1 });
}

function macsOf(name) {
  return cost(buildModel(name)).binaryMacs;
}

function writePage() {
  const { cpu, platform, node } = machine();
  const busy = busyLine({ loadAverage, machine: machine() });
  const where = `Measured on ${cpu}, ${platform}, Node ${node}, each network in turns with BNext-T${busy ? `; ${busy}` : ""}.`;
  const table = markdownTable({ head: Object.keys(rows[0]), rows: rows.map(Object.values) });
  const text = readFileSync(page, "utf8");
  writeFileSync(page, insertFigures(text, { zoo: `${where}\n\n${table}` }).page);
}
