/**
 * npm run bench:webgpu [-- OPTIONS]: onebit on WebGPU beside ONNX Runtime's WebGPU provider on the same float
 * graph, and onebit on WebAssembly, in turns, in this process. Nothing but the clone is needed, and at most eight
 * minutes; random weights, because speed does not depend on them.
 *
 *   --networks LIST   architectures or files (default: bnext-t,reactnet-a)
 *   --batches LIST    images per run (default: 1,8)
 *   --minutes N       for all of it (default: 8): what does not fit is left out, and named
 *   --json            one JSON document
 */
import { parseArgs } from "node:util";
import { load } from "onebit";
import { rebatch } from "onebit/graph";
import { scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { measureLatency, timed } from "../packages/cli/dist/bench/latency.js";
import { randomImages } from "../packages/cli/dist/bench/onebit-engine.js";
import { machine } from "../packages/cli/dist/machine.js";
import { bothForms } from "../packages/cli/dist/subjects/both-forms.js";
import { acquireGpu } from "../packages/core/dist/runtime/backends/webgpu/device.js";

const { values: given } = parseArgs({
  options: {
    networks: { type: "string", default: "bnext-t,reactnet-a" },
    batches: { type: "string", default: "1,8" },
    minutes: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const start = performance.now();
const end = start + Number(given.minutes) * 60_000;
const gpu = await acquireGpu().catch(({ message }) => fail(message));
const log = (line) => console.error(line);
log(`${adapter()}${gpu.software ? ", in software: nothing of this says how fast a GPU is" : ""}`);

const pairs = given.networks.split(",").flatMap((network) => {
  return given.batches.split(",").map((batch) => ({ network, batch: Number(batch) }));
});
const results = [];
const leftOut = [];
for (const [i, { network, batch }] of pairs.entries()) {
  const share = (end - performance.now()) / (pairs.length - i);
  if (share < 1000) {
    leftOut.push(`${network}, ${batch} per run`);
    continue;
  }
  results.push(...(await measure(network, batch, share)));
}
report();
process.exit();

/** A row for each engine: milliseconds per run; what fails says why. */
async function measure(network, batch, share) {
  const forms = await bothForms(network, {});
  const rows = [];
  const entries = [];
  for (const engine of [
    () => onebit(forms, batch, "webgpu"),
    () => onebit(forms, batch, "wasm"),
    () => ort(forms, batch),
  ]) {
    const entry = await engine().catch((error) => {
      rows.push({ network, batch, failure: error.message.split("\n")[0] });
    });
    if (entry) entries.push(entry);
  }
  const measured = await latencies(entries, 0.7 * share);
  for (const { dispose } of entries) await dispose();
  const [own] = measured;
  return [
    ...rows,
    ...measured.map((row) => ({ network, batch, ...row, ratio: row.medianMs / own.medianMs })),
  ];
}

/** In turns, as many as fit; where not even the warm-up does, of the one run that there has been. */
async function latencies(entries, budgetMs) {
  const round = entries.reduce((sum, { once }) => sum + once, 0);
  const rounds = Math.min(40, Math.floor((budgetMs / round - 4) / 2));
  if (rounds >= 1) {
    return measureLatency(entries, {
      warmupMs: Math.min(1000, budgetMs / 20),
      minRounds: 1,
      maxRounds: rounds,
      budgetMs,
    });
  }
  return entries.map(({ engine, threads, once }) => {
    return { engine, threads, medianMs: once, p5Ms: once, p95Ms: once, rounds: 1 };
  });
}

async function onebit({ packed }, batch, backend) {
  const model = await load(packed, { backend });
  const input = randomImages(model, batch);
  const run = () => timed(() => model.run(input));
  await run();
  const engine = `onebit ${backend}`;
  return { engine, threads: 1, run, once: await run(), dispose: () => model.dispose() };
}

/** The float graph where no node may be left to the CPU. */
async function ort({ graph, tensors }, batch) {
  const { logits } = graph.outputs;
  const whole = { ...(batch > 1 ? rebatch(graph, batch) : graph), outputs: { logits } };
  const bytes = toOnnx(whole, { target: "webgpu", tensors, scalars: scalarInputs(graph, tensors) });
  const session = await InferenceSession.create(bytes, {
    executionProviders: ["webgpu"],
    extra: { session: { disable_cpu_ep_fallback: "1" } },
    logSeverityLevel: 4,
  });
  const [{ name, shape }] = whole.inputs;
  const { data } = randomImages({ inputs: { [name]: { shape: shape.slice(1) } } }, batch);
  const feeds = { [name]: new Tensor("float32", data, [batch, ...shape.slice(1)]) };
  const run = () => timed(() => session.run(feeds));
  await run();
  const engine = "onnxruntime-node webgpu, float32";
  return { engine, threads: 1, run, once: await run(), dispose: () => session.release() };
}

/** For people. */
function adapter() {
  const { name, subgroup } = gpu;
  return `${name} (${subgroup > 1 ? `subgroups of ${subgroup} or more` : "no subgroups"})`;
}

function report() {
  const seconds = Math.round((performance.now() - start) / 1000);
  const { name, software, subgroup } = gpu;
  if (given.json) {
    console.log(
      JSON.stringify(
        { machine: machine(), adapter: { name, software, subgroup }, results, leftOut, seconds },
        null,
        2,
      ),
    );
    return;
  }
  console.log("| network | images | engine | median ms | p5 to p95 | times onebit webgpu | runs |");
  console.log("|---|---|---|---|---|---|---|");
  const ms = (time) => time.toFixed(1);
  for (const { network, batch, engine, medianMs, p5Ms, p95Ms, ratio, rounds, failure } of results) {
    const cells = failure
      ? [network, batch, failure, "", "", "", ""]
      : [
          network,
          batch,
          engine,
          ms(medianMs),
          `${ms(p5Ms)} to ${ms(p95Ms)}`,
          ratio.toFixed(2),
          rounds,
        ];
    console.log(`| ${cells.join(" | ")} |`);
  }
  const { cpu, platform, node } = machine();
  console.log(`\n${adapter()}, ${cpu}, ${platform}, Node ${node}; ${seconds} s`);
  if (leftOut.length) console.log(`left out for time: ${leftOut.join("; ")}`);
}

function fail(message) {
  console.error(`bench:webgpu: ${message}`);
  process.exit(1);
}
