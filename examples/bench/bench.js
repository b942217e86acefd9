import { writeOnebit } from "onebit/file";
import { buildModel } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { pack } from "onebit/pack";
import { initialTensors } from "../../packages/train/dist/state/initialise.js";
import { engines, noise } from "./engines.js";

const $ = (selector) => document.querySelector(selector);
const tell = (text) => {
  $("[role=status]").textContent = text;
};
const asked = new URLSearchParams(location.search);
const ROUNDS = Number(asked.get("rounds") ?? 30);
const WARM_UP = 5;
let report;

/** A network of random weights, for every engine, and an image. */
async function subjectOf(name, tflite) {
  const { outputs, ...network } = buildModel(name, {});
  // Nobody computes what is not asked for.
  const graph = { ...network, outputs: { logits: outputs.logits } };
  const tensors = initialTensors(graph, 0);
  for (const [key, { kind, role, shape }] of Object.entries(graph.tensors)) {
    // Binary, as at the end of a training; and gates that do not end in denormal numbers.
    if (kind === "mirror") tensors[key] = { shape, data: new Float32Array(1) };
    if (role === "gate") tensors[key] = { shape, data: tensors[key].data.map((x) => x / 256) };
  }
  const { shape } = graph.inputs.find(({ name }) => name === "x");
  return {
    packed: await writeOnebit(pack(graph, tensors)),
    onnx: toOnnx(graph, { tensors, mode: "inference", target: "cpu" }),
    x: { shape, data: noise(shape) },
    tflite: tflite && new Uint8Array(await tflite.arrayBuffer()),
  };
}

/** What can be started here, and why the rest cannot. */
async function started(subject) {
  const rows = [];
  for (const { name, threads, start } of engines(subject)) {
    tell(`starting ${name} …`);
    const row = { name, threads, times: [] };
    rows.push(row);
    await start().then(
      (run) => {
        row.run = run;
      },
      ({ message }) => {
        row.reason = message;
      },
    );
  }
  return rows;
}

async function measure() {
  const { hardwareConcurrency: cores, userAgent } = navigator;
  const network = $("#network").value;
  const rows = await started(await subjectOf(network, $("[type=file]").files[0]));
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    tell(round < 0 ? "warming up …" : `round ${round + 1} of ${ROUNDS}`);
    for (const row of rows.filter(({ run }) => run)) {
      const start = performance.now();
      await row.run();
      if (round >= 0) row.times.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  const results = rows.map(({ name, threads, times, reason }) => ({
    name,
    threads,
    reason,
    ...figures(times),
  }));
  report = { network, userAgent, cores, isolated: crossOriginIsolated, rounds: ROUNDS, results };
}

function figures(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.round(part * (sorted.length - 1))];
  return sorted.length ? { medianMs: at(0.5), p5Ms: at(0.05), p95Ms: at(0.95) } : {};
}

function show({ results }) {
  const rows = results.map(({ name, threads, medianMs, p5Ms, p95Ms, reason }) => {
    const spread = reason ?? `${p5Ms.toFixed(1)} to ${p95Ms.toFixed(1)}`;
    const row = document.createElement("tr");
    for (const text of [name, threads, reason ? "–" : medianMs.toFixed(1), spread]) {
      row.append(Object.assign(document.createElement("td"), { textContent: text }));
    }
    return row;
  });
  $("tbody").replaceChildren(...rows);
}

$("#network").value = asked.get("network") ?? "bnext-t";
$("#start").onclick = async () => {
  $("#start").disabled = true;
  try {
    await measure();
    show(report);
    $("#copy").disabled = false;
    tell(crossOriginIsolated ? "done" : "done; threads need the server's headers COOP and COEP");
  } catch ({ message }) {
    tell(message);
  }
  $("#start").disabled = false;
};
$("#copy").onclick = () => navigator.clipboard.writeText(JSON.stringify(report, null, 2));
